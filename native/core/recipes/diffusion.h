// Training a Gaussian diffusion model: the loss and update rule of denoising-diffusion-pytorch.
#pragma once

#include <memory>

#include "core/recipes/recipe.h"

namespace shinsaku {

std::unique_ptr<Recipe> MakeDiffusion(const Spec& spec, Streams& streams, at::Device device);
std::unique_ptr<Generator> MakeDiffusionGenerator(const Spec& spec, const NamedTensors& weights,
                                                  at::Device device);
int64_t TraceDiffusion(const Spec& spec, TraceOps& trace);

}  // namespace shinsaku
