// Functions of ATen that have no kernel for the meta device: there they give a tensor of the right shape.
#pragma once

#include <ATen/core/Tensor.h>

namespace shinsaku::aten {

using at::Tensor;

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride, int64_t padding);
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride,
                        int64_t padding, int64_t output_padding);
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& gain, const Tensor& bias, double eps);
// The running statistics may be undefined; `train` takes those of the batch.
Tensor batch_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, bool train, double momentum, double eps);
// The unbiased variance over channels, which stay as one.
Tensor var_of_channels(const Tensor& x);
Tensor relu(const Tensor& x);
// `value` where `x` is 0.
Tensor replace_zeros(const Tensor& x, double value);

}  // namespace shinsaku::aten
