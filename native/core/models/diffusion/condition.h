// Pictures as conditions: what a network turns into pictures of the set, made of training pictures or given.
#pragma once

#include <ATen/core/Generator.h>

#include "core/nn/unet.h"

namespace shinsaku {

// What the conditions of N pictures are made with.
struct ConditionDraws {
  at::Tensor uniform;  // F32 [N,5] in [0,1)
  at::Tensor noise;    // F32 [N,condition_channels,h,w] at the condition's own size
};

// On the CPU. As much for every kind of condition.
ConditionDraws DrawCondition(const UnetPlan& plan, int64_t pictures, at::Generator random);

// The condition of training pictures x0 [N,C,H,W] in [-1,1], as the network takes it: [N,given_channels,H,W].
at::Tensor MakeCondition(const UnetPlan& plan, const at::Tensor& x0, const ConditionDraws& draws);

// The same of a picture that is given: [N,condition_channels,h,w] in [-1,1], at the condition's own size.
// `keep` BOOL [N,1,H,W] is true where a pixel is known, for "mask".
at::Tensor ReadCondition(const UnetPlan& plan, const at::Tensor& input, const at::Tensor& keep);

// x [N,C,H,W] moved so that it scales down to a "lowres" input (Wang 2022, DDNM, 2212.00490, eq. 13, with the
// mean as the operator).
at::Tensor MatchLowres(const UnetPlan& plan, const at::Tensor& x, const at::Tensor& input);

}  // namespace shinsaku
