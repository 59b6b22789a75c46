// The filter by which StyleGAN2 changes the size of maps.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/tensor.h>

#include "core/nn/parameters.h"

namespace shinsaku {

// outer([1,3,3,1]) / 64, which sums to 1; on the device of `set`, or on the CPU where that is described only:
// its values are part of the description.
inline at::Tensor ResamplingFilter(const ParameterSet& set) {
  const at::Tensor taps = at::tensor({1.f, 3.f, 3.f, 1.f});
  const at::Tensor filter = at::outer(taps, taps) / 64;
  return filter.to(set.fill() == Fill::kMeta ? at::Device(at::kCPU) : set.device());
}

}  // namespace shinsaku
