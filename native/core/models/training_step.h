// What a kind of model has to provide, and how it makes itself known.
#pragma once

#include <memory>
#include <string>

#include "core/api.h"
#include "core/data/data_loader.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"
#include "core/ops/trace.h"
#include "core/runtime/graphs.h"
#include "core/runtime/meter.h"
#include "core/runtime/random.h"

namespace shinsaku {

// Networks, loss and update rule of one run.
class TrainingStep {
 public:
  virtual ~TrainingStep() = default;
  virtual DataOrder order() const = 0;
  // One update; takes its batches from `loader`. Adds "loss" (or one series a network) to `meter`.
  virtual void Update(DataLoader& loader, Meter& meter) = 0;
  // Live tensors of everything trained: weights, averages, optimizer state.
  virtual NamedTensors state() = 0;
  // Weights for a generator under their plain state names: "ema" or "raw". Live, not copied.
  virtual NamedTensors weights(const std::string& which) = 0;
  // Those that replay its updates; null where none do.
  virtual const Graphs* graphs() const = 0;
};

// One kind of model. All functions read resolved options from the spec.
struct ModelKind {
  const char* name;
  // Draws initial values from `random.cpu`.
  std::unique_ptr<TrainingStep> (*make_training_step)(const Spec& spec, RandomState& random,
                                                      at::Device device);
  // A generator over given weights; names as from TrainingStep::weights(). Throws CHECKPOINT_MISMATCH.
  std::unique_ptr<InferenceModel> (*make_inference_model)(const Spec& spec, const NamedTensors& weights,
                                                          at::Device device);
  // Walks the networks on the meta device with `trace` as ops set; returns trainable scalars.
  int64_t (*trace)(const Spec& spec, TraceOps& trace);
};

// Makes a kind known; one object of this type stands at the end of each kind's recipe file.
struct RegisterModel {
  explicit RegisterModel(const ModelKind& kind);
};

// The kind that spec's "model" names.
const ModelKind& FindModel(const Spec& spec);

}  // namespace shinsaku
