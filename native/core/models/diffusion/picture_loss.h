// What a denoiser's loss of given pictures is at given levels of noise; the copy guard compares such losses.
#pragma once

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// The spec's "loss" of each value, before any mean.
at::Tensor Distance(const Spec& spec, const at::Tensor& output, const at::Tensor& target);

// One row for each of "logSnr": the loss of training at the time whose log signal-to-noise ratio is nearest;
// a distilled network has few times. Picture i (uint8 [N,H,W,C]) takes its noise from a stream of seeds[i],
// whatever else is asked for. Without self-conditioning, as half of the updates are.
at::Tensor PictureLoss(const Spec& spec, const NamedTensors& weights, const at::Tensor& pixels,
                       const Spec& args, at::Device device);

}  // namespace shinsaku
