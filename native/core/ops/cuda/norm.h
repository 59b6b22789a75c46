// The norm kernel of the CUDA plugin as an operation that autograd knows.
#pragma once

#include "core/ops/ops.h"

namespace shinsaku {

// Whether there is a kernel for such a norm over x [N,C,H,W].
bool HasNormKernel(const Tensor& x, const NormWeights& w);

// norm(x + bias), where bias [C] may be undefined, times (scale + 1) plus shift where these [N,C,1,1] are
// defined, then SiLU where wanted, then plus residual where that [N,C,H,W] is defined. All in channels_last;
// float32 inside.
Tensor FusedNorm(const Tensor& x, const Tensor& bias, const NormWeights& w, const Tensor& scale,
                 const Tensor& shift, bool silu, const Tensor& residual);

}  // namespace shinsaku
