// The CUDA ops set: convolutions in NHWC and one kernel for a norm and what follows it, forward and backward.
#include "core/ops/cuda/cuda_ops.h"

#include <ATen/TensorOperators.h>

#include <cmath>

#include "core/ops/cuda/linear_attention.h"
#include "core/ops/cuda/norm.h"

namespace shinsaku {
namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

Tensor Biased(const Tensor& x, const Tensor& bias) {
  return bias.defined() ? x + bias.view({1, -1, 1, 1}).to(x.scalar_type()) : x;
}

}  // namespace

at::MemoryFormat CudaOps::WeightFormat(const Tensor& weight) const {
  return weight.dim() == 4 ? kLast : at::MemoryFormat::Contiguous;
}

Tensor CudaOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  return Ops::Conv(x.contiguous(kLast), w, stride, padding);
}

Tensor CudaOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                              int64_t output_padding) {
  return Ops::ConvTranspose(x.contiguous(kLast), w, stride, padding, output_padding);
}

Tensor CudaOps::Norm(const Tensor& x, const NormWeights& w) {
  return HasNormKernel(x, w) ? FusedNorm(x, {}, w, {}, {}, false, {}) : Ops::Norm(x, w);
}

Tensor CudaOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                             const Tensor& shift) {
  return HasNormKernel(x, w) ? FusedNorm(x, {}, w, scale, shift, true, {})
                             : Ops::NormFilmSilu(x, w, scale, shift);
}

// The kernel of the norm also adds the convolution's bias, which would take a pass of its own, and two more
// backward.
Tensor CudaOps::ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                 const Tensor& scale, const Tensor& shift) {
  const Tensor h = Conv(x, {conv.weight, {}}, 1, 1);
  return HasNormKernel(h, norm) ? FusedNorm(h, conv.bias, norm, scale, shift, true, {})
                                : Ops::NormFilmSilu(Biased(h, conv.bias), norm, scale, shift);
}

Tensor CudaOps::ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                const Residual& residual) {
  const Tensor h = Conv(x, {conv.weight, {}}, 1, 1);
  Enter(residual.layer);
  const Tensor skip =
      residual.shortcut.weight.defined() ? Conv(residual.x, residual.shortcut, 1, 0) : residual.x;
  if (HasNormKernel(h, norm)) return FusedNorm(h, conv.bias, norm, {}, {}, true, skip);
  return Ops::NormFilmSilu(Biased(h, conv.bias), norm, {}, {}) + skip;
}

// Pixel-unshuffle and 1x1 are a 2x2 convolution over the same weights.
Tensor CudaOps::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  if (kind != DownKind::kUnshuffle) return Ops::Down(x, w, kind);
  const Tensor weight = w.weight.flatten(1).view({w.weight.size(0), x.size(1), 2, 2});
  return Conv(x, {weight, w.bias}, 2, 0);
}

Tensor CudaOps::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  if (w.divide_values || !w.out_norm.gain.defined() || !w.memory.defined()) return Ops::LinearAttention(x, w);
  const int64_t batch = x.size(0), height = x.size(2), width = x.size(3), channels = w.heads * w.head_dim;
  const Tensor qkv = Conv(Norm(x, w.norm), {w.to_qkv, {}}, 1, 0);
  const Tensor rows = qkv.permute({0, 2, 3, 1}).reshape({batch, height * width, 3 * channels});
  const double scale = std::pow(static_cast<double>(w.head_dim), -0.5);
  const Tensor out =
      RowsLinearAttention(rows, w.memory, w.heads, scale).view({batch, height, width, channels});
  return Norm(Conv(out.permute({0, 3, 1, 2}), w.to_out, 1, 0), w.out_norm) + x;
}

}  // namespace shinsaku
