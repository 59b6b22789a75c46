// StyleGAN2's residual discriminator. stylegan2.h has the table of names.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <cmath>

#include "core/nn/stylegan2.h"
#include "core/nn/stylegan2_filter.h"
#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

constexpr int64_t kStem = 4;
constexpr int64_t kMappingLayers = 8;  // of labels
const double kActivationGain = std::sqrt(2.0), kHalf = std::sqrt(0.5);

// The deviation of each value among pictures of a group, averaged over channels and pixels, as one more
// channel (Karras 2018, arXiv 1710.10196, section 3). Groups are picture i, i + N/G, i + 2N/G, ... G divides
// N.
Tensor WithDeviation(const Tensor& x, int64_t most) {
  int64_t group = std::min(most, x.size(0));
  while (x.size(0) % group != 0) --group;
  const Tensor members = x.reshape({group, -1, x.size(1), x.size(2), x.size(3)});
  const Tensor centred = members - members.mean({0}, true);
  const Tensor deviation = (centred.square().mean({0}) + 1e-8).sqrt().mean({1, 2, 3}, true);  // [N/G,1,1,1]
  return at::cat({x, deviation.repeat({group, 1, x.size(2), x.size(3)})}, 1);
}

}  // namespace

Stylegan2Discriminator::Stylegan2Discriminator(const Stylegan2Plan& plan, Fill fill, at::Device device,
                                               std::optional<at::Generator> generator)
    : plan_(plan), set_(fill, device, std::move(generator)), filter_(ResamplingFilter(set_)) {
  const auto named = [](int64_t side) { return "discriminator.b" + std::to_string(side) + "."; };
  from_rgb_ = Convolution(named(plan.size) + "fromrgb", plan.channels, plan.Width(plan.size), 1, true);
  for (int64_t side = plan.size; side > kStem; side /= 2) {
    const int64_t inputs = plan.Width(side), outputs = plan.Width(side / 2);
    Block block{side, {}, {}, {}};
    block.first = Convolution(named(side) + "conv0", inputs, inputs, 3, true);
    block.second = Convolution(named(side) + "conv1", inputs, outputs, 3, true);
    block.skip = Convolution(named(side) + "skip", inputs, outputs, 1, false);
    blocks_.push_back(std::move(block));
  }
  const int64_t width = plan.Width(kStem);
  last_ = Convolution(named(kStem) + "conv", width + 1, width, 3, true);
  fc_ = Dense(named(kStem) + "fc", width * kStem * kStem, width);
  const bool told = plan.labels.width() > 0;
  out_ = Dense(named(kStem) + "out", width, told ? width : 1);
  if (told)
    mapping_.emplace(set_, "discriminator.mapping",
                     Stylegan2Mapping::Shape{0, plan.labels.width(), width, kMappingLayers});
}

Stylegan2Discriminator::Layer Stylegan2Discriminator::Convolution(const std::string& name, int64_t inputs,
                                                                  int64_t outputs, int64_t kernel,
                                                                  bool bias) {
  Layer layer{name, {}};
  layer.weights.weight = set_.Parameter(name + ".weight", {outputs, inputs, kernel, kernel}, Normal(0, 1));
  if (bias) layer.weights.bias = set_.Parameter(name + ".bias", {outputs}, Constant(0));
  return layer;
}

Stylegan2Discriminator::Layer Stylegan2Discriminator::Dense(const std::string& name, int64_t inputs,
                                                            int64_t outputs) {
  Layer layer{name, {}};
  layer.weights.weight = set_.Parameter(name + ".weight", {outputs, inputs}, Normal(0, 1));
  layer.weights.bias = set_.Parameter(name + ".bias", {outputs}, Constant(0));
  return layer;
}

namespace {

// The weight as it is used: its inputs' variances add up to 1.
Tensor Scaled(const Tensor& weight) {
  const auto inputs = static_cast<double>(weight.numel() / weight.size(0));
  return weight * (1 / std::sqrt(inputs));
}

}  // namespace

Tensor Stylegan2Discriminator::Convolved(Ops& ops, const Layer& layer, const Tensor& x, double gain) const {
  ops.Enter(layer.name);
  const Tensor y = ops.Conv(x, {Scaled(layer.weights.weight), {}}, 1, layer.weights.weight.size(2) / 2);
  return CheckCancelled(ops.StyledActivation(y, {{}, {}, {}, layer.weights.bias, kActivationGain * gain}));
}

// A filter, then a convolution of every second pixel.
Tensor Stylegan2Discriminator::Halved(Ops& ops, const Layer& layer, const Tensor& x, double gain) const {
  ops.Enter(layer.name);
  const Tensor weight = Scaled(layer.weights.weight);
  if (weight.size(2) == 1) return ops.Conv(ops.Resample(x, filter_, 1, 2, {1, 1}), {weight, {}}, 1, 0) * gain;
  const Tensor y = ops.Conv(ops.Resample(x, filter_, 1, 1, {2, 2}), {weight, {}}, 2, 0);
  return CheckCancelled(ops.StyledActivation(y, {{}, {}, {}, layer.weights.bias, kActivationGain * gain}));
}

Tensor Stylegan2Discriminator::Forward(Ops& ops, const Tensor& pictures, const Tensor& labels,
                                       int64_t group) const {
  ops.Begin();
  Tensor x = Convolved(ops, from_rgb_, pictures, 1);
  for (const Block& block : blocks_) {
    const Tensor skip = Halved(ops, block.skip, x, kHalf);
    x = Halved(ops, block.second, Convolved(ops, block.first, x, 1), kHalf) + skip;
  }
  x = Convolved(ops, last_, WithDeviation(x, group), 1);
  ops.Enter(fc_.name);
  x = ops.Linear(x.reshape({x.size(0), -1}), {Scaled(fc_.weights.weight), fc_.weights.bias});
  x = ops.Activate(x, Activation::kLeakyRelu) * kActivationGain;
  ops.Enter(out_.name);
  x = ops.Linear(x, {Scaled(out_.weights.weight), out_.weights.bias});
  if (!mapping_) return x.reshape({-1});
  const Tensor known = mapping_->Forward(ops, {}, labels);
  return (x * known).sum({1}) * (1 / std::sqrt(static_cast<double>(known.size(1))));
}

}  // namespace shinsaku
