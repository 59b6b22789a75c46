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
  Napi::FunctionReference images, sampler, model, snapshot, trainer;
  Napi::FunctionReference pixel_index;
};

inline Addon& Instance(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

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
