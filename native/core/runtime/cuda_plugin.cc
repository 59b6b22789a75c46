// The CUDA plugin, where the process has one open.
#include "core/runtime/cuda_plugin.h"

#include <dlfcn.h>

#include "core/api.h"

namespace shinsaku {

const CudaPlugin* FindCudaPlugin() {
  const auto table =
      reinterpret_cast<decltype(&shinsaku_cuda_plugin)>(dlsym(RTLD_DEFAULT, "shinsaku_cuda_plugin"));
  return table ? table() : nullptr;
}

const CudaPlugin& RequireCudaPlugin() {
  const CudaPlugin* plugin = FindCudaPlugin();
  if (!plugin) throw Failure("NATIVE_FAILED", "the CUDA plugin is not loaded");
  return *plugin;
}

}  // namespace shinsaku
