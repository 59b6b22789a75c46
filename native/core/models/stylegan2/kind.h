// StyleGAN2 as a kind of model: what core/models/registry.cc lists.
#pragma once

#include <memory>

#include "core/models/training_step.h"
#include "core/ops/graph_ops.h"
#include "core/ops/recorder.h"

namespace shinsaku {

std::unique_ptr<TrainingStep> MakeStylegan2TrainingStep(const Spec& spec, RandomState& random,
                                                        at::Device device);
// Its Sample() reads "seeds", "batch", "truncation", "noise", "latents" (whose generator makes z), "mixSeed"
// and "mixFrom", and takes latents [n,latent]. Walks go straight through w.
std::unique_ptr<InferenceModel> MakeStylegan2InferenceModel(const Spec& spec, const NamedTensors& weights,
                                                            at::Device device);
int64_t DescribeStylegan2(const Spec& spec, Recorder& recorder);
// The generator, without truncation, with the noise that belongs to it; input "z".
void TraceStylegan2(const Spec& spec, GraphRecorder& recorder);

}  // namespace shinsaku
