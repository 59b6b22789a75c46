// The DCGAN as a kind of model: what core/models/registry.cc lists.
#pragma once

#include <memory>

#include "core/models/training_step.h"
#include "core/ops/graph_ops.h"
#include "core/ops/recorder.h"

namespace shinsaku {

std::unique_ptr<TrainingStep> MakeDcganTrainingStep(const Spec& spec, RandomState& random, at::Device device);
// Its Sample() reads "seeds", "batchNorm" and "batch", and takes latents [n,latent].
std::unique_ptr<InferenceModel> MakeDcganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                        at::Device device);
int64_t DescribeDcgan(const Spec& spec, Recorder& recorder);
// The generator, with the statistics of training; input "z".
void TraceDcgan(const Spec& spec, GraphRecorder& recorder);

}  // namespace shinsaku
