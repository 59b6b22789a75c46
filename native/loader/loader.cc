// Opens libtorch's libraries by absolute path, so that the addon finds them by name wherever they lie.
#include <dlfcn.h>
#include <napi.h>
#ifdef __linux__
#include <link.h>
#endif

#include <cstdlib>
#include <string>

namespace {

// open(path): loads one shared library for the whole process; throws with the linker's words.
void open(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE))
    throw Napi::Error::New(info.Env(), dlerror());
}

// opened(name): where the library of that name lies that this process has loaded already, or null.
Napi::Value opened(const Napi::CallbackInfo& info) {
#ifdef __linux__
  const std::string name = info[0].As<Napi::String>();
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_NOLOAD);
  link_map* map = nullptr;
  if (library && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0)
    return Napi::String::New(info.Env(), map->l_name);
#endif
  return info.Env().Null();
}

// setEnvironment(name, value): sets a variable of the process that is not set yet, where C code reads it; an
// assignment to process.env would stay inside a worker thread.
void setEnvironment(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>(), value = info[1].As<Napi::String>();
  setenv(name.c_str(), value.c_str(), 0);
}

// cudaDriver(): null when the CUDA driver starts, else why not. Asks the driver, never torch: torch remembers
// the first answer for the whole process, and libtorch_cuda may not be open yet.
Napi::Value cudaDriver(const Napi::CallbackInfo& info) {
  const auto text = [&](const std::string& why) { return Napi::String::New(info.Env(), why); };
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE);
  if (!driver) return text("the NVIDIA driver is not installed (libcuda.so.1 was not found)");
  auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  auto count = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
  if (!init || !count) return text("libcuda.so.1 is not a CUDA driver");
  if (int error = init(0))
    return text("the NVIDIA driver does not start (cuInit returned " + std::to_string(error) + ")");
  int devices = 0;
  if (int error = count(&devices))
    return text("the NVIDIA driver lists no devices (error " + std::to_string(error) + ")");
  if (devices == 0) return text("the NVIDIA driver sees no GPU");
  return info.Env().Null();
}

// cudaName(): the first GPU's name, as the driver gives it; empty when it gives none.
Napi::Value cudaName(const Napi::CallbackInfo& info) {
  char name[256] = "";
  if (void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE)) {
    if (auto get = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName")))
      get(name, sizeof(name), 0);
  }
  return Napi::String::New(info.Env(), name);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, open, "open"));
  exports.Set("opened", Napi::Function::New(env, opened, "opened"));
  exports.Set("setEnvironment", Napi::Function::New(env, setEnvironment, "setEnvironment"));
  exports.Set("cudaDriver", Napi::Function::New(env, cudaDriver, "cudaDriver"));
  exports.Set("cudaName", Napi::Function::New(env, cudaName, "cudaName"));
  return exports;
}

}  // namespace

NODE_API_MODULE(loader, Init)
