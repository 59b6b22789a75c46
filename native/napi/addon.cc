// Everything JavaScript can call. Each method parses, hands work to the device thread, converts.
#include <napi.h>

#include "core/api.h"
#include "napi/convert.h"
#include "napi/queue.h"

namespace shinsaku {
namespace {

struct Addon {
  explicit Addon(Napi::Env env) : queue(env) {}
  Queue queue;
  Napi::FunctionReference images, sampler, generator, trainer;
};

Addon& Instance(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

Napi::Value Nothing(Napi::Env env, bool) { return env.Undefined(); }

// A core object on its way to its handle, with its size as the device thread has measured it.
template <typename Core>
struct Made {
  explicit Made(std::shared_ptr<Core> made) : core(std::move(made)), bytes(core->HostBytes()) {}
  std::shared_ptr<Core> core;
  int64_t bytes;
};

// A JavaScript handle of a core object. Only the addon makes them; the object is freed on the device thread.
template <typename Core>
class Handle : public Napi::ObjectWrap<Handle<Core>> {
 public:
  using Method = Napi::Value (*)(const Napi::CallbackInfo& info, std::shared_ptr<Core> core);

  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Handle<Core>>(info) {
    if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "this class is not for calling new");
    auto* made = info[0].As<Napi::External<Made<Core>>>().Data();
    core_ = std::move(made->core);
    bytes_ = made->bytes;
    info.This().As<Napi::Object>().TypeTag(&kTag);
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes_);
  }
  ~Handle() { Free(); }

  template <Method method>
  Napi::Value Call(const Napi::CallbackInfo& info) {
    return method(info, Get(info.Env()));
  }
  void dispose(const Napi::CallbackInfo&) { Free(); }

  // The core object of an argument, which may be anything.
  static std::shared_ptr<Core> From(const Napi::Value& value, const char* what) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) {
      throw Napi::TypeError::New(value.Env(), std::string("expected ") + what);
    }
    return Handle::Unwrap(value.As<Napi::Object>())->Get(value.Env());
  }

  std::shared_ptr<Core> Get(Napi::Env env) {
    if (!core_)
      throw Napi::Error(env, ToError(env, Failure("DISPOSED", "the object was disposed before this call")));
    return core_;
  }

  template <Method method>
  static Napi::ClassPropertyDescriptor<Handle> Entry(const char* name) {
    return Handle::InstanceMethod(name, &Handle::template Call<method>);
  }
  static Napi::Function Define(Napi::Env env, const char* name,
                               std::vector<Napi::ClassPropertyDescriptor<Handle>> entries) {
    entries.push_back(Handle::InstanceMethod("dispose", &Handle::dispose));
    return Handle::DefineClass(env, name, entries);
  }

 private:
  void Free() {
    if (!core_) return;
    DeviceThread::Instance().Free(std::move(core_));
    // V8 is told what a handle keeps alive, or it would see no reason to collect one that is out of use.
    Napi::MemoryManagement::AdjustExternalMemory(this->Env(), -bytes_);
  }

  static const napi_type_tag kTag;
  std::shared_ptr<Core> core_;
  int64_t bytes_ = 0;
};

template <>
const napi_type_tag Handle<Images>::kTag = {0x7368696e73616b75, 1};
template <>
const napi_type_tag Handle<Sampler>::kTag = {0x7368696e73616b75, 2};
template <>
const napi_type_tag Handle<InferenceModel>::kTag = {0x7368696e73616b75, 3};
template <>
const napi_type_tag Handle<Trainer>::kTag = {0x7368696e73616b75, 4};

// Queued after the constructor's own work, so a handle never exists for an object that failed to be made.
template <typename Core>
auto Wrap(Napi::FunctionReference Addon::* type) {
  return [type](Napi::Env env, Made<Core> made) -> Napi::Value {
    return (Instance(env).*type).New({Napi::External<Made<Core>>::New(env, &made)});
  };
}

Napi::Value step(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core] { return core->Step(); },
          [](Napi::Env env, bool done) { return Napi::Boolean::New(env, done); });
}

Napi::Value progress(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core] { return core->Progress(); },
          [](Napi::Env env, double share) { return Napi::Number::New(env, share); });
}

Napi::Value pixels(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env()).queue.Run(info.Env(), {}, [core] { return core->Pixels(); }, FromBytes);
}

Napi::Value values(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env()).queue.Run(info.Env(), {}, [core] { return core->Values(); }, FromBytes);
}

Napi::Value sampler(const Napi::CallbackInfo& info, std::shared_ptr<InferenceModel> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core, args = ToSpec(info[0])] { return Made<Sampler>(core->Sample(args)); },
          Wrap<Sampler>(&Addon::sampler));
}

Napi::Value train(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const int64_t updates = ToCount(info[0]);
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, updates] { return core->Step(updates); }, FromMetrics);
}

Napi::Value tensors(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env()).queue.Run(info.Env(), {}, [core] { return core->Tensors(); }, FromInfos);
}

Napi::Value tensor(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core, name = info[0].ToString().Utf8Value()] { return core->Tensor(name); },
          FromBytes);
}

Napi::Value load(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  KeepAlive keep;
  auto tensors = ToTensors(info[0], keep);
  return Instance(info.Env())
      .queue.Run(
          info.Env(), std::move(keep),
          [core, tensors = std::move(tensors)] { return core->Load(tensors), true; }, Nothing);
}

Napi::Value reseed(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const auto seed = static_cast<uint64_t>(ToCount(info[0]));
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, seed] { return core->Reseed(seed), true; }, Nothing);
}

Napi::Value trained(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {},
          [core, weights = info[0].ToString().Utf8Value()] {
            return Made<InferenceModel>(core->MakeInferenceModel(weights));
          },
          Wrap<InferenceModel>(&Addon::generator));
}

Napi::Value info(const Napi::CallbackInfo& call) {
  return Instance(call.Env()).queue.Run(call.Env(), {}, [] { return Info(); }, FromDeviceInfo);
}

Napi::Value setThreads(const Napi::CallbackInfo& call) {
  const int threads = static_cast<int>(ToCount(call[0]));
  return Instance(call.Env())
      .queue.Run(call.Env(), {}, [threads] { return SetThreads(threads), true; }, Nothing);
}

Napi::Value images(const Napi::CallbackInfo& call) {
  Napi::Uint8Array bytes = ToBytes(call[0]);
  KeepAlive keep;
  keep.push_back(Napi::Persistent(bytes.As<Napi::Object>()));
  return Instance(call.Env())
      .queue.Run(
          call.Env(), std::move(keep),
          [data = bytes.Data(), size = bytes.ByteLength(), shape = ToShape(call[1]),
           device = call[2].ToString().Utf8Value()] {
            return Made<Images>(MakeImages(data, size, shape, device));
          },
          Wrap<Images>(&Addon::images));
}

Napi::Value trainer(const Napi::CallbackInfo& call) {
  auto images = Handle<Images>::From(call[1], "pictures made by images()");
  return Instance(call.Env())
      .queue.Run(
          call.Env(), {},
          [spec = ToSpec(call[0]), images] { return Made<Trainer>(MakeTrainer(spec, images)); },
          Wrap<Trainer>(&Addon::trainer));
}

Napi::Value generator(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  auto tensors = ToTensors(call[1], keep);
  return Instance(call.Env())
      .queue.Run(
          call.Env(), std::move(keep),
          [spec = ToSpec(call[0]), tensors = std::move(tensors)] {
            return Made<InferenceModel>(MakeInferenceModel(spec, tensors));
          },
          Wrap<InferenceModel>(&Addon::generator));
}

Napi::Value describe(const Napi::CallbackInfo& call) {
  return Instance(call.Env())
      .queue.Run(call.Env(), {}, [spec = ToSpec(call[0])] { return Describe(spec); }, FromDescription);
}

void shutdown(const Napi::CallbackInfo& call) { Instance(call.Env()).queue.Shutdown(call.Env()); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* addon = new Addon(env);
  env.SetInstanceData(addon);
  addon->images = Napi::Persistent(Handle<Images>::Define(env, "Images", {}));
  addon->sampler = Napi::Persistent(Handle<Sampler>::Define(
      env, "Sampler",
      {Handle<Sampler>::Entry<step>("step"), Handle<Sampler>::Entry<progress>("progress"),
       Handle<Sampler>::Entry<pixels>("pixels"), Handle<Sampler>::Entry<values>("values")}));
  addon->generator = Napi::Persistent(Handle<InferenceModel>::Define(
      env, "InferenceModel", {Handle<InferenceModel>::Entry<sampler>("sampler")}));
  addon->trainer = Napi::Persistent(Handle<Trainer>::Define(
      env, "Trainer",
      {Handle<Trainer>::Entry<train>("step"), Handle<Trainer>::Entry<tensors>("tensors"),
       Handle<Trainer>::Entry<tensor>("tensor"), Handle<Trainer>::Entry<load>("load"),
       Handle<Trainer>::Entry<reseed>("reseed"), Handle<Trainer>::Entry<trained>("generator")}));
  exports.Set("info", Napi::Function::New(env, info, "info"));
  exports.Set("setThreads", Napi::Function::New(env, setThreads, "setThreads"));
  exports.Set("images", Napi::Function::New(env, images, "images"));
  exports.Set("trainer", Napi::Function::New(env, trainer, "trainer"));
  exports.Set("generator", Napi::Function::New(env, generator, "generator"));
  exports.Set("describe", Napi::Function::New(env, describe, "describe"));
  exports.Set("shutdown", Napi::Function::New(env, shutdown, "shutdown"));
  return exports;
}

}  // namespace
}  // namespace shinsaku

// The macro makes plain C functions, which must not live in a namespace of the same name as the addon.
static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return shinsaku::Init(env, exports); }
NODE_API_MODULE(shinsaku, InitAddon)
