// The reference set's operations that only adversarial networks need: transposed convolution and batch norm.
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/where.h>

#include "core/ops/reference/reference_ops.h"

namespace shinsaku {
namespace {

constexpr bool kCudnn = true;

}  // namespace

Tensor ReferenceOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                                   int64_t output_padding) {
  return at::conv_transpose2d(x, w.weight, w.bias, stride, padding, output_padding);
}

Tensor ReferenceOps::BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics) {
  const bool chainer = w.form == BatchNormWeights::Form::kChainer;
  if (statistics == BatchStatistics::kRunning) {
    // Chainer's averages start at 0, so before the first batch there is nothing to divide by.
    const Tensor variance = chainer ? at::where(w.running_var == 0, 1.0, w.running_var) : w.running_var;
    return at::batch_norm(x, w.gain, w.bias, w.running_mean, variance, false, w.momentum, chainer ? 0 : w.eps,
                          kCudnn);
  }
  RequireSeveralValues(x);
  if (statistics == BatchStatistics::kBatch) {
    return at::batch_norm(x, w.gain, w.bias, {}, {}, true, w.momentum, w.eps, kCudnn);
  }
  if (w.batches.defined()) Tensor(w.batches).add_(1);
  const Tensor y =
      at::batch_norm(x, w.gain, w.bias, w.running_mean, w.running_var, true, w.momentum, w.eps, kCudnn);
  if (chainer) {
    // Chainer averages (variance + eps) * m/(m-1). The graph holds running_var without reading it;
    // variable_data() keeps this addition out of its check for changed tensors.
    const auto m = static_cast<double>(x.numel() / x.size(1));
    w.running_var.variable_data().add_(w.momentum * w.eps * m / (m - 1));
  }
  return y;
}

}  // namespace shinsaku
