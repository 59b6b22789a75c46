// The two networks of the progressively grown GAN; pgan.h says what they are.
#include "core/nn/pgan.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/var.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

constexpr double kEps = 1e-8;
constexpr Activation kActivation = Activation::kLeakyRelu;

PganLayer MakeLayer(ParameterSet& set, const std::string& name, at::IntArrayRef shape) {
  int64_t fan_in = 1;
  for (const int64_t side : shape.slice(1)) fan_in *= side;
  PganLayer layer{name + ".module", {}, {}, std::sqrt(2.0 / static_cast<double>(fan_in))};
  // PyTorch's constructor draws weight and bias; the zoo then draws the weight anew and sets the bias to 0.
  layer.weight = set.Parameter(layer.name + ".weight", shape, WeightInit(fan_in));
  layer.bias = set.Parameter(layer.name + ".bias", {shape[0]}, BiasInit(fan_in));
  if (set.fill() == Fill::kDraw) {
    const at::NoGradGuard no_grad;
    layer.weight.copy_(at::empty(shape, at::kFloat).normal_(0, 1, set.generator()));
    layer.bias.zero_();
  }
  return layer;
}

std::array<PganLayer, 2> MakeScale(ParameterSet& set, const std::string& name, int64_t from, int64_t between,
                                   int64_t to) {
  PganLayer first = MakeLayer(set, name + ".0", {between, from, 3, 3});
  return {std::move(first), MakeLayer(set, name + ".1", {to, between, 3, 3})};
}

Tensor Conv(Ops& ops, const Tensor& x, const PganLayer& layer) {
  ops.Enter(layer.name);
  return ops.Scale(ops.Conv(x, {layer.weight, layer.bias}, 1, layer.weight.size(2) / 2), layer.gain);
}

Tensor Linear(Ops& ops, const Tensor& x, const PganLayer& layer) {
  ops.Enter(layer.name);
  return ops.Scale(ops.Linear(x, {layer.weight, layer.bias}), layer.gain);
}

Tensor Twice(const Tensor& x) {
  const double twice[] = {2.0, 2.0};
  return at::upsample_nearest2d(x, std::nullopt, twice);
}

Tensor Blend(const Tensor& before, const Tensor& now, double alpha) {
  return alpha * before + (1.0 - alpha) * now;
}

// Karras 2018, section 3: one more channel, the deviation over a group, averaged over values and places. The
// zoo's groups are neighbours, and its variance is unbiased.
Tensor WithSpread(const Tensor& x, int64_t group) {
  const int64_t count = x.size(0), height = x.size(2), width = x.size(3);
  int64_t size = std::min(count, group);
  if (count % size != 0) size = count;
  if (size == 1) return at::cat({x, at::zeros({count, 1, height, width}, x.options())}, 1);
  const Tensor deviation =
      (at::var(x.contiguous().view({-1, size, x.size(1), height, width}), {1}, true, false) + kEps).sqrt();
  const Tensor spread = at::mean(deviation.view({count / size, -1}), {1}, false).view({-1, 1, 1, 1, 1});
  return at::cat(
      {x, spread.expand({-1, size, 1, height, width}).contiguous().view({count, 1, height, width})}, 1);
}

}  // namespace

PganPlan::PganPlan(const Spec& spec)
    : size(Integer(spec, "size")),
      channels(Integer(spec, "channels")),
      latent(Integer(spec, "latent")),
      minibatch_std(Flag(spec, "minibatchStd")) {
  for (const double width : Numbers(spec, "widths")) {
    if ((int64_t{4} << widths.size()) <= size) widths.push_back(static_cast<int64_t>(width));
  }
  if (widths.empty() || (int64_t{4} << last_scale()) != size)
    throw Failure("NATIVE_FAILED", "a PGAN of " + std::to_string(size) +
                                       " px needs a width for 4 px and each doubling up to it");
}

PganGenerator::PganGenerator(const PganPlan& plan, Fill fill, at::Device device,
                             std::optional<at::Generator> generator)
    : plan_(plan), set_(fill, device, std::move(generator)) {
  const int64_t width = plan.widths[0];
  format_ = MakeLayer(set_, "generator.formatLayer", {16 * width, plan.latent});
  first_ = MakeLayer(set_, "generator.groupScale0.0", {width, width, 3, 3});
  to_rgb_.push_back(MakeLayer(set_, "generator.toRGBLayers.0", {plan.channels, width, 1, 1}));
}

void PganGenerator::Grow() {
  const size_t scale = to_rgb_.size();
  const int64_t from = plan_.widths[scale - 1], to = plan_.widths[scale];
  scales_.push_back(MakeScale(set_, "generator.scaleLayers." + std::to_string(scale - 1), from, to, to));
  to_rgb_.push_back(
      MakeLayer(set_, "generator.toRGBLayers." + std::to_string(scale), {plan_.channels, to, 1, 1}));
}

void PganGenerator::Finish() {
  stage_ = set_.Buffer("generator.stage", at::zeros({2}, at::kFloat));
  set_.Finish({"generator.scaleLayers.", "generator.toRGBLayers.", "generator.formatLayer."});
}

Tensor PganGenerator::ToRgb(Ops& ops, const Tensor& x, int64_t scale) const {
  return Conv(ops, x, to_rgb_[static_cast<size_t>(scale)]);
}

Tensor PganGenerator::Forward(Ops& ops, const Tensor& z, const PganStage& stage) const {
  ops.Begin();
  Tensor x = ops.Activate(Linear(ops, ops.PixelNorm(z), format_), kActivation);
  x = ops.PixelNorm(x.view({x.size(0), -1, 4, 4}));
  x = ops.PixelNorm(ops.Activate(Conv(ops, x, first_), kActivation));
  Tensor before;
  for (int64_t scale = 1; scale <= stage.scale; ++scale) {
    if (scale == stage.scale && stage.alpha > 0) before = Twice(ToRgb(ops, x, scale - 1));
    const auto& [first, second] = scales_[static_cast<size_t>(scale - 1)];
    ops.Enter(first.name);
    x = ops.Scale(ops.Up(x, {first.weight, first.bias}), first.gain);
    x = ops.PixelNorm(ops.Activate(x, kActivation));
    x = CheckCancelled(ops.PixelNorm(ops.Activate(Conv(ops, x, second), kActivation)));
  }
  x = ToRgb(ops, x, stage.scale);
  return CheckCancelled(before.defined() ? Blend(before, x, stage.alpha) : x);
}

PganDiscriminator::PganDiscriminator(const PganPlan& plan, Fill fill, at::Device device,
                                     std::optional<at::Generator> generator)
    : plan_(plan), set_(fill, device, std::move(generator)) {
  const int64_t width = plan.widths[0];
  decision_ = MakeLayer(set_, "discriminator.decisionLayer", {1, width});
  from_rgb_.push_back(MakeLayer(set_, "discriminator.fromRGBLayers.0", {width, plan.channels, 1, 1}));
  first_ =
      MakeLayer(set_, "discriminator.groupScaleZero.0", {width, width + (plan.minibatch_std ? 1 : 0), 3, 3});
  dense_ = MakeLayer(set_, "discriminator.groupScaleZero.1", {width, 16 * width});
}

void PganDiscriminator::Grow() {
  const size_t scale = from_rgb_.size();
  const int64_t from = plan_.widths[scale], to = plan_.widths[scale - 1];
  scales_.push_back(
      MakeScale(set_, "discriminator.scaleLayers." + std::to_string(scale - 1), from, from, to));
  from_rgb_.push_back(
      MakeLayer(set_, "discriminator.fromRGBLayers." + std::to_string(scale), {from, plan_.channels, 1, 1}));
}

void PganDiscriminator::Finish() {
  set_.Finish({"discriminator.scaleLayers.", "discriminator.fromRGBLayers.", "discriminator.decisionLayer."});
}

Tensor PganDiscriminator::Forward(Ops& ops, const Tensor& pictures, const PganStage& stage,
                                  int64_t group) const {
  const Window halves{{2, 2}, {2, 2}};
  const auto layer = [&](const Tensor& x, const PganLayer& weights) {
    return ops.Activate(Conv(ops, x, weights), kActivation);
  };
  const auto scale = static_cast<size_t>(stage.scale);
  Tensor before;
  // The zoo's first growth is not faded in: at 8 px its discriminator takes no notice of alpha.
  if (stage.alpha > 0 && scale > 1) before = layer(ops.AvgPool(pictures, halves), from_rgb_[scale - 1]);
  Tensor x = layer(pictures, from_rgb_[scale]);
  for (size_t i = scale; i > 0; --i) {
    for (const PganLayer& weights : scales_[i - 1]) x = layer(x, weights);
    x = ops.AvgPool(x, halves);
    if (i == scale && before.defined()) x = Blend(before, x, stage.alpha);
    CheckCancelled(x);
  }
  if (plan_.minibatch_std) x = WithSpread(x, group);
  x = layer(x, first_);
  x = ops.Activate(Linear(ops, x.reshape({x.size(0), -1}), dense_), kActivation);
  return Linear(ops, x, decision_).select(1, 0);
}

PganNetworks::PganNetworks(const PganPlan& plan, Fill fill, at::Device device,
                           std::optional<at::Generator> random)
    : discriminator(plan, fill, device, random), generator(plan, fill, device, random) {
  for (int64_t scale = 1; scale <= plan.last_scale(); ++scale) {
    generator.Grow();
    discriminator.Grow();
  }
  generator.Finish();
  discriminator.Finish();
}

}  // namespace shinsaku
