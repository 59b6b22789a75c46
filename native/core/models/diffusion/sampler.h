// Draws pictures with a denoiser: the reverse process by DDPM, DDIM or a few-step solver, one step at a time.
#pragma once

#include <memory>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// Copies `weights`. Its Sample() reads "seeds", "sampler", "steps", "eta" and "batch".
std::unique_ptr<InferenceModel> MakeDiffusionInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                            at::Device device);

}  // namespace shinsaku
