// The reference's convolutions, products, activations and norms.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <cmath>

#include "core/ops/ops.h"
#include "core/ops/reference/aten.h"

namespace shinsaku {
namespace {

constexpr double kEps = 1e-5;

}  // namespace

Tensor Ops::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  return Record("conv", aten::conv2d(x, w.weight, w.bias, stride, padding), {w.weight, w.bias}, {x});
}

Tensor Ops::Linear(const Tensor& x, const LinearWeights& w) {
  return Record("linear", at::linear(x, w.weight, w.bias), {w.weight, w.bias}, {x});
}

Tensor Ops::Activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu: {
      const Tensor y = aten::relu(x);
      return Record(y, {y});
    }
    case Activation::kRelu6: {
      const Tensor y = at::clamp(x, 0, 6);
      return Record(y, {y});
    }
    case Activation::kLeakyRelu:
      return Record(at::leaky_relu(x, 0.2), {x});
    case Activation::kElu:
      return Record(at::elu(x), {x});
    case Activation::kTanh: {
      const Tensor y = at::tanh(x);
      return Record(y, {y});
    }
    case Activation::kSilu:
      return Record(at::silu(x), {x});
    case Activation::kGelu:
      return Record(at::gelu(x), {x});
    case Activation::kIdentity:
      return x;
  }
  return x;
}

Tensor Ops::Sinusoids(const Tensor& t, const Tensor& frequencies) {
  const Tensor angles = t.unsqueeze(1) * frequencies.unsqueeze(0);  // [N,half]
  return at::cat({angles.sin(), angles.cos()}, -1);
}

Tensor Ops::Norm(const Tensor& x, const NormWeights& w) {
  switch (w.kind) {
    case NormWeights::Kind::kGroup:
      return Record("norm", aten::group_norm(x, NormWeights::kGroups, w.gain, w.bias, kEps), {w.gain, w.bias},
                    {x});
    case NormWeights::Kind::kLayer: {
      const Tensor variance = aten::var_of_channels(x);
      const Tensor mean = at::mean(x, {1}, true);
      const Tensor centred = x - mean, deviation = (variance + kEps).sqrt();
      const Tensor unit = centred / deviation;
      return Record("norm", unit * w.gain + w.bias, {w.gain, w.bias}, {x, centred, deviation, unit});
    }
    case NormWeights::Kind::kRms: {
      const Tensor length = at::linalg_vector_norm(x, 2.0, {1}, true).clamp_min(1e-12).expand_as(x);
      const Tensor unit = x / length;
      return Record("norm", unit * w.gain * std::sqrt(static_cast<double>(x.size(1))), {w.gain},
                    {x, length, unit});
    }
  }
  return x;
}

Tensor Ops::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale, const Tensor& shift) {
  Tensor y = Norm(x, w);
  if (scale.defined()) y = Record(y * (scale + 1) + shift, {y});
  return Record(at::silu(y), {y});
}

Tensor Ops::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  if (kind == DownKind::kConv4) return Conv(x, w, 2, 1);
  return Conv(at::pixel_unshuffle(x, 2), w, 1, 0);
}

Tensor Ops::Up(const Tensor& x, const ConvWeights& w) {
  const double twice[] = {2.0, 2.0};
  return Conv(at::upsample_nearest2d(x, std::nullopt, twice), w, 1, 1);
}

Tensor Ops::Concat(const Tensor& a, const Tensor& b) { return at::cat({a, b}, 1); }

Tensor Ops::Keep(const Tensor& x) { return x.clone(); }

Tensor Ops::ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                             const Tensor& scale, const Tensor& shift) {
  return NormFilmSilu(Conv(x, conv, 1, 1), norm, scale, shift);
}

Tensor Ops::ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                            const Residual& residual) {
  const Tensor h = NormFilmSilu(Conv(x, conv, 1, 1), norm, {}, {});
  Enter(residual.layer);
  return h + (residual.shortcut.weight.defined() ? Conv(residual.x, residual.shortcut, 1, 0) : residual.x);
}

}  // namespace shinsaku
