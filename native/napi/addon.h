// What the files of entry points share: the addon's state in one environment, and how handles are made.
#pragma once

#include <napi.h>

#include "core/api.h"
#include "napi/handle.h"
#include "napi/queue.h"

namespace shinsaku {

struct Addon {
  explicit Addon(Napi::Env env) : queue(env) {}
  Queue queue;
  Napi::FunctionReference images, sampler, model, snapshot, trainer, process_group;
  Napi::FunctionReference pixel_index, embedder, features, patches, measure;
};

inline Addon& Instance(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

inline Napi::Value FromNothing(Napi::Env env, bool) { return env.Undefined(); }
inline Napi::Value FromBoolean(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
inline Napi::Value FromNumber(Napi::Env env, double number) { return Napi::Number::New(env, number); }

// Queued after the constructor's own work, so a handle never exists for an object that failed to be made.
template <typename Core>
auto Wrap(Napi::FunctionReference Addon::* type) {
  return [type](Napi::Env env, Made<Core> made) -> Napi::Value {
    return (Instance(env).*type).New({Napi::External<Made<Core>>::New(env, &made)});
  };
}

// Adds the classes and functions that measure pictures.
void DefineEvaluate(Napi::Env env, Napi::Object exports);

}  // namespace shinsaku
