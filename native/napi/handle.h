// JavaScript handles of the core's objects.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/api.h"
#include "napi/queue.h"

namespace shinsaku {

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

  // Whether an argument, which may be anything, is one; and its core object.
  static bool Is(const Napi::Value& value) {
    return value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&kTag);
  }
  static std::shared_ptr<Core> From(const Napi::Value& value, const char* what) {
    if (!Is(value)) {
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

}  // namespace shinsaku
