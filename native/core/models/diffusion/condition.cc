// Makes conditions of training pictures, and reads those that are given.
#include "core/models/diffusion/condition.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <utility>

namespace shinsaku {

using at::Tensor;

namespace {

// Noise that conditions are trained with, of pixels from -1 to 1: at most so much of a small picture, so that
// noise and the marks of JPEG are no detail, and so much of a dark one, whose sensor has noise.
constexpr double kLowresNoise = 0.05;
constexpr double kDarkNoise = 0.03;
// The part of their light that dark pictures keep.
constexpr double kDarkest = 0.1, kLightest = 0.5;
// The difference of neighbours, of pixels from 0 to 1, from which a line is black.
constexpr double kLine = 0.25;

Tensor Down(const UnetPlan& plan, const Tensor& x) {
  return at::avg_pool2d(x, {plan.condition_scale, plan.condition_scale});
}

Tensor Smooth(const UnetPlan& plan, const Tensor& small) {
  return at::upsample_bilinear2d(small, {plan.size, plan.size}, false);
}

// Rec. 601, as JPEG has it.
Tensor Luma(const Tensor& x) {
  if (x.size(1) == 1) return x;
  return 0.299 * x.narrow(1, 0, 1) + 0.587 * x.narrow(1, 1, 1) + 0.114 * x.narrow(1, 2, 1);
}

// White, and darker where a pixel differs from the next one to the right or below.
Tensor Lines(const Tensor& x) {
  const int64_t h = x.size(2), w = x.size(3);
  const auto largest = [](const Tensor& difference) { return difference.abs().amax({1}, true); };
  const Tensor across = at::constant_pad_nd(largest(x.narrow(3, 1, w - 1) - x.narrow(3, 0, w - 1)), {0, 1});
  const Tensor down =
      at::constant_pad_nd(largest(x.narrow(2, 1, h - 1) - x.narrow(2, 0, h - 1)), {0, 0, 0, 1});
  // From -1 to 1 a difference is twice as large.
  return 1 - 2 * (at::maximum(across, down) / (2 * kLine)).clamp_max(1);
}

// All but a rectangle with a quarter to the whole of each side.
Tensor Known(const UnetPlan& plan, const Tensor& uniform) {
  const auto size = static_cast<double>(plan.size);
  const Tensor places = at::arange(plan.size, uniform.options()).unsqueeze(0);
  const auto inside = [&](int64_t column) {
    const Tensor length = ((0.25 + 0.75 * uniform.narrow(1, column, 1)) * size).floor();
    const Tensor begin = (uniform.narrow(1, column + 1, 1) * (size - length + 1)).floor();
    return (places >= begin).logical_and(places < begin + length);  // [N,size]
  };
  const Tensor hole = inside(0).unsqueeze(2).logical_and(inside(2).unsqueeze(1));
  return hole.unsqueeze(1).logical_not();
}

Tensor WithKnown(const Tensor& x, const Tensor& known) {
  const Tensor flags = known.to(x.scalar_type());
  return at::cat({x * flags, flags}, 1);
}

}  // namespace

ConditionDraws DrawCondition(const UnetPlan& plan, int64_t pictures, at::Generator random) {
  const at::TensorOptions floats(at::kFloat);
  const Tensor uniform = at::rand({pictures, 5}, random, floats);
  const int64_t size = plan.condition_size();
  return {uniform, at::randn({pictures, plan.condition_channels(), size, size}, std::move(random), floats)};
}

Tensor MakeCondition(const UnetPlan& plan, const Tensor& x0, const ConditionDraws& draws) {
  const Tensor uniform = draws.uniform.to(x0.device()), noise = draws.noise.to(x0.device());
  const Tensor share = uniform.narrow(1, 4, 1).unsqueeze(2).unsqueeze(3);
  if (plan.condition == "lowres") return Smooth(plan, Down(plan, x0) + kLowresNoise * share * noise);
  if (plan.condition == "lines") return Lines(x0);
  if (plan.condition == "grey") return Luma(x0);
  if (plan.condition == "dark") {
    const Tensor light = kDarkest + (kLightest - kDarkest) * share;
    return ((x0 + 1) * light - 1 + kDarkNoise * noise).clamp(-1, 1);
  }
  return WithKnown(x0, Known(plan, uniform));
}

Tensor ReadCondition(const UnetPlan& plan, const Tensor& input, const Tensor& keep) {
  if (plan.condition == "lowres") return Smooth(plan, input);
  return plan.condition == "mask" ? WithKnown(input, keep) : input;
}

Tensor MatchLowres(const UnetPlan& plan, const Tensor& x, const Tensor& input) {
  // What leaves the range is clamped; the other pixels of a mean make up for it the next time.
  constexpr int kRounds = 16;
  Tensor matched = x.clamp(-1, 1);
  for (int i = 0; i < kRounds; ++i) {
    const Tensor missing = at::upsample_nearest2d(input - Down(plan, matched), {plan.size, plan.size});
    matched = (matched + missing).clamp(-1, 1);
  }
  return matched;
}

}  // namespace shinsaku
