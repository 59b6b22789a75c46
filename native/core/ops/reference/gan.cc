// The reference's operations that only adversarial networks need: transposed convolution and batch norm.
#include "core/ops/ops.h"
#include "core/ops/reference/aten.h"

namespace shinsaku {
namespace {

Tensor BatchNormed(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics) {
  const bool chainer = w.form == BatchNormWeights::Form::kChainer;
  if (statistics == BatchStatistics::kRunning) {
    // Chainer's averages start at 0, so before the first batch there is nothing to divide by.
    const Tensor variance = chainer ? aten::replace_zeros(w.running_var, 1) : w.running_var;
    return aten::batch_norm(x, w.gain, w.bias, w.running_mean, variance, false, w.momentum,
                            chainer ? 0 : w.eps);
  }
  RequireSeveralValues(x);
  if (statistics == BatchStatistics::kBatch)
    return aten::batch_norm(x, w.gain, w.bias, {}, {}, true, w.momentum, w.eps);
  if (w.batches.defined()) Tensor(w.batches).add_(1);
  const Tensor y =
      aten::batch_norm(x, w.gain, w.bias, w.running_mean, w.running_var, true, w.momentum, w.eps);
  if (chainer) {
    // Chainer averages (variance + eps) * m/(m-1). The graph holds running_var without reading it;
    // variable_data() keeps this addition out of its check for changed tensors.
    const auto m = static_cast<double>(x.numel() / x.size(1));
    w.running_var.variable_data().add_(w.momentum * w.eps * m / (m - 1));
  }
  return y;
}

}  // namespace

Tensor Ops::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                          int64_t output_padding) {
  return Record("conv_transpose",
                aten::conv_transpose2d(x, w.weight, w.bias, stride, padding, output_padding),
                {w.weight, w.bias}, {x});
}

Tensor Ops::BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                      Activation activation) {
  const Tensor y = Record("batch_norm", BatchNormed(x, w, statistics), {w.gain, w.bias}, {x});
  return Activate(y, activation);
}

void RequireSeveralValues(const Tensor& x) {
  if (x.numel() / x.size(1) > 1) return;
  throw Failure("DATA_TOO_FEW",
                "batch norm needs at least 2 values of each unit, but one picture has only 1 in this layer; "
                "use a batch of 2 or more pictures, or batchNorm \"running\" to sample a single one");
}

}  // namespace shinsaku
