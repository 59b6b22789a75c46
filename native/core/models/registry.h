// The kinds of model that there are.
#pragma once

#include <memory>

#include "core/models/training_step.h"
#include "core/ops/graph_ops.h"
#include "core/ops/recorder.h"

namespace shinsaku {

// One kind of model. All functions read resolved options from the spec.
struct ModelKind {
  const char* name;
  // Draws initial values from `random.cpu`.
  std::unique_ptr<TrainingStep> (*make_training_step)(const Spec& spec, RandomState& random,
                                                      at::Device device);
  // A network for sampling, over copies of given weights; names as from TrainingStep::weights(). Throws
  // CHECKPOINT_MISMATCH.
  std::unique_ptr<InferenceModel> (*make_inference_model)(const Spec& spec, const NamedTensors& weights,
                                                          at::Device device);
  // Walks the networks on the meta device, for one picture; returns trainable scalars.
  int64_t (*describe)(const Spec& spec, Recorder& recorder);
  // Walks the network that samples, to record it as a graph; null where that is not supported.
  void (*trace)(const Spec& spec, GraphRecorder& recorder);
  // What sampling does around that network; null where it is one pass.
  SamplingPlan (*plan)(const Spec& spec, const Spec& args);
};

// The kind that spec's "model" names.
const ModelKind& FindModel(const Spec& spec);

}  // namespace shinsaku
