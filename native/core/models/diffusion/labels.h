// What a network is told of its pictures: rows of labels, how some are kept from it in training, and guidance
// by them.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "core/nn/unet.h"

namespace shinsaku {

// Hides labels so that the network learns to do without: all of a picture's with `probability`, and of half
// of the other pictures a random share of their attributes. rows F32 [N,width] as UnetPlan has them, with
// their `draws`.
at::Tensor DropLabels(const at::Tensor& rows, const UnetPlan& plan, double probability,
                      const at::Tensor& draws);

// The random numbers that DropLabels() takes for so many pictures.
at::Tensor DrawLabelDrops(int64_t pictures, const UnetPlan& plan, at::Generator random, at::Device device);

// Ho 2022 (2207.12598), eq. 6: n + scale * (l - n) of outputs with labels and without, [N,C,H,W]. With
// `rescale` above 0 its standard deviation is led back to that of l: Lin 2023 (2305.08891), eq. 15 and 16.
// `factors` are scale and rescale, F32 [2] of the same device.
at::Tensor Guide(const at::Tensor& labelled, const at::Tensor& unlabelled, const at::Tensor& factors,
                 bool rescale);

// As classifier_free_guidance.py has it: the part of the difference that lies along l is left out, as Sadat
// 2024 (2410.02416) does of x0.
at::Tensor GuideProjected(const at::Tensor& labelled, const at::Tensor& unlabelled, const at::Tensor& factors,
                          bool rescale);

}  // namespace shinsaku
