// The reference set's convolutions, products, activations and norms.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/var.h>

#include <cmath>

#include "core/ops/reference/reference_ops.h"

namespace shinsaku {
namespace {

constexpr double kEps = 1e-5;

}  // namespace

Tensor ReferenceOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  return at::conv2d(x, w.weight, w.bias, stride, padding);
}

Tensor ReferenceOps::Linear(const Tensor& x, const LinearWeights& w) {
  return at::linear(x, w.weight, w.bias);
}

Tensor ReferenceOps::Activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kLeakyRelu:
      return at::leaky_relu(x, 0.2);
    case Activation::kElu:
      return at::elu(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kIdentity:
      return x;
  }
  return x;
}

Tensor ReferenceOps::Norm(const Tensor& x, const NormWeights& w) {
  switch (w.kind) {
    case NormWeights::Kind::kGroup:
      return at::group_norm(x, NormWeights::kGroups, w.gain, w.bias, kEps);
    case NormWeights::Kind::kLayer: {
      const Tensor variance = at::var(x, {1}, false, true);
      const Tensor mean = at::mean(x, {1}, true);
      return (x - mean) / (variance + kEps).sqrt() * w.gain + w.bias;
    }
    case NormWeights::Kind::kRms: {
      const Tensor length = at::linalg_vector_norm(x, 2.0, {1}, true).clamp_min(1e-12).expand_as(x);
      return x / length * w.gain * std::sqrt(static_cast<double>(x.size(1)));
    }
  }
  return x;
}

Tensor ReferenceOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                                  const Tensor& shift) {
  Tensor y = Norm(x, w);
  if (scale.defined()) y = y * (scale + 1) + shift;
  return at::silu(y);
}

Tensor ReferenceOps::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  if (kind == DownKind::kConv4) return Conv(x, w, 2, 1);
  return Conv(at::pixel_unshuffle(x, 2), w, 1, 0);
}

Tensor ReferenceOps::Up(const Tensor& x, const ConvWeights& w) {
  const double twice[] = {2.0, 2.0};
  return Conv(at::upsample_nearest2d(x, std::nullopt, twice), w, 1, 1);
}

Tensor ReferenceOps::Add(const Tensor& a, const Tensor& b) { return a + b; }

Tensor ReferenceOps::Concat(const Tensor& a, const Tensor& b) { return at::cat({a, b}, 1); }

}  // namespace shinsaku
