// The progressively grown GAN as a kind of model: what core/models/registry.cc lists.
#pragma once

#include <memory>

#include "core/models/training_step.h"
#include "core/ops/graph_ops.h"
#include "core/ops/recorder.h"

namespace shinsaku {

std::unique_ptr<TrainingStep> MakePganTrainingStep(const Spec& spec, RandomState& random, at::Device device);
// Its Sample() reads "seeds", "batch" and "stretch", and takes latents [n,latent].
std::unique_ptr<InferenceModel> MakePganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                       at::Device device);
int64_t DescribePgan(const Spec& spec, Recorder& recorder);
// The generator, fully grown; input "z".
void TracePgan(const Spec& spec, GraphRecorder& recorder);

}  // namespace shinsaku
