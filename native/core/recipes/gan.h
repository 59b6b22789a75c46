// The adversarial game of the DCGAN: losses and update rules of the three presets.
//
// One update is k = "discriminatorUpdates" discriminator steps, each on pictures of its own, and one
// generator step; "accumulate" batches make one step. How the two meet is the preset's:
//
//   pytorch  the generator step goes through the last discriminator step's pictures again, after that step.
//   chainer  both gradients are taken at the same weights, then the generator moves, then the discriminator.
//   radford  first the generator step, then the discriminator's, each with latents of its own. The source
//            alternates over minibatches of data and never reads the pictures of the generator's turn, so
//            here only the discriminator takes pictures; latents always fill a whole batch. The source's
//            decay of beta1 (1 % in a million updates) is left out.
#pragma once

#include <memory>

#include "core/recipes/recipe.h"

namespace shinsaku {

std::unique_ptr<Recipe> MakeGan(const Spec& spec, Streams& streams, at::Device device);
int64_t TraceGan(const Spec& spec, TraceOps& trace);

}  // namespace shinsaku
