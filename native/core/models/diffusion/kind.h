// Gaussian diffusion as a kind of model: what core/models/registry.cc lists.
#pragma once

#include <memory>

#include "core/models/training_step.h"
#include "core/ops/graph_ops.h"
#include "core/ops/recorder.h"

namespace shinsaku {

std::unique_ptr<TrainingStep> MakeDiffusionTrainingStep(const Spec& spec, RandomState& random,
                                                        at::Device device);
// Its Sample() reads "seeds", "sampler", "steps", "eta" and "batch", and takes latents [n,C,H,W]: the noise
// that pictures begin as, in place of their seeds' own. Noise of later steps is the seeds'. Of a network with
// labels it may be given "labels", a row for all pictures, and reads "guidance", "guidanceRescale" and
// "guidanceInterval" with it, and "guidanceProjection".
// To edit, it takes a "picture" and what of it to "keep" (editing.h): with "strength" it samples variations,
// with "keep", "jumpLength" and "resamplings" it fills, and with "iterations" it goes up to the noise.
std::unique_ptr<InferenceModel> MakeDiffusionInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                            at::Device device);
int64_t DescribeDiffusion(const Spec& spec, Recorder& recorder);
// Inputs "x" and "t", and with self-conditioning "condition".
void TraceDiffusion(const Spec& spec, GraphRecorder& recorder);
// Reads "sampler", "steps" and "eta" of `args`.
SamplingPlan PlanDiffusion(const Spec& spec, const Spec& args);

}  // namespace shinsaku
