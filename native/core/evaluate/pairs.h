// Products and distances of all pairs of two blocks of rows, in float64.
#pragma once

#include <ATen/core/Tensor.h>

namespace shinsaku {

// (x.y / width + 1)^3 of rows x of `a` and y of `b`, float32 or float64 [n,width] and [m,width]; float64
// [n,m].
at::Tensor CubicKernel(const at::Tensor& a, const at::Tensor& b);

// Euclidean distances of the rows. Those that rounding cannot tell from 0 are 0.
at::Tensor Distances(const at::Tensor& a, const at::Tensor& b);

}  // namespace shinsaku
