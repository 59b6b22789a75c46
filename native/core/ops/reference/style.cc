// The reference's operations that only style networks need: modulation, resampling by a filter, what follows
// a convolution, and the norm of pixels.
#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rsqrt.h>

#include "core/ops/ops.h"

namespace shinsaku {

// Of every division by a length.
static constexpr double kEps = 1e-8;

Tensor Ops::Modulate(const Tensor& x, const Tensor& factors) {
  const Tensor y = x * factors.unsqueeze(2).unsqueeze(3);
  return Record(y, {x});
}

Tensor Ops::Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                     std::array<int64_t, 2> padding) {
  const int64_t n = x.size(0), channels = x.size(1), height = x.size(2) * up, width = x.size(3) * up;
  const auto side = [&](int64_t in) { return (in + padding[0] + padding[1] - filter.size(0)) / down + 1; };
  if (x.is_meta()) return x.new_empty({n, channels, side(height), side(width)});
  Tensor y = x;
  if (up > 1)
    y = at::constant_pad_nd(x.unsqueeze(4).unsqueeze(3), {0, up - 1, 0, 0, 0, up - 1})
            .reshape({n, channels, height, width});
  y = at::constant_pad_nd(y, {padding[0], padding[1], padding[0], padding[1]});
  const Tensor taps = filter.to(x.scalar_type()).expand({channels, 1, filter.size(0), filter.size(1)});
  const int64_t stride[] = {down, down}, none[] = {0, 0}, dense[] = {1, 1};
  return at::conv2d(y, taps, {}, stride, none, dense, channels);
}

Tensor Ops::StyledActivation(const Tensor& x, const StyledEnd& end) {
  Tensor y = x;
  if (end.scale.defined()) {
    y = y * end.scale.unsqueeze(2).unsqueeze(3);
    Record(y, {x});
  }
  if (end.noise.defined()) y = y + end.noise * end.strength;
  y = y + end.bias.view({1, -1, 1, 1});
  Record(y, {y});
  y = at::leaky_relu(y, 0.2) * end.gain;
  return Record("styled_activation", y, {end.bias, end.strength}, {});
}

Tensor EnergyOf(const Tensor& weight) { return weight.square().sum({2, 3}); }

Tensor Ops::Demodulation(const Tensor& styles, const Tensor& weight, const Tensor& energy) {
  const Tensor of_weight = energy.defined() ? energy : EnergyOf(weight);
  return at::rsqrt(at::matmul(styles.square(), of_weight.t()) + kEps);
}

// Karras 2018 (1710.10196), section 4.2.
Tensor Ops::PixelNorm(const Tensor& x) { return x * at::rsqrt(x.square().mean({1}, true) + kEps); }

Tensor Ops::Scale(const Tensor& x, double factor) { return x * factor; }

Tensor Ops::Add(const Tensor& a, const Tensor& b) { return a + b; }

}  // namespace shinsaku
