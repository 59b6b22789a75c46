// StyleGAN2's generator: mapping, modulated convolutions, skips. stylegan2.h has the table of names.
#include "core/nn/stylegan2.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/nn/stylegan2_filter.h"
#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

constexpr int64_t kStem = 4;
const double kActivationGain = std::sqrt(2.0);

double Scale(int64_t inputs) { return 1 / std::sqrt(static_cast<double>(inputs)); }

}  // namespace

Stylegan2Plan::Stylegan2Plan(const Spec& spec)
    : size(Integer(spec, "size")),
      channels(Integer(spec, "channels")),
      latent(Integer(spec, "latent")),
      base(Integer(spec, "channelBase")),
      max(Integer(spec, "channelMax")),
      mapping_layers(Integer(spec, "mappingLayers")),
      group(Integer(spec, "minibatchGroup")),
      labels(spec) {
  if (size < 2 * kStem || (size & (size - 1)) != 0 || base < size)
    throw Failure("NATIVE_FAILED", "StyleGAN2 has no size " + std::to_string(size) + " with channelBase " +
                                       std::to_string(base) +
                                       "; it has powers of two from 8 on, up to channelBase");
}

int64_t Stylegan2Plan::styles() const { return static_cast<int64_t>(NoiseSides().size()) + 1; }

std::vector<int64_t> Stylegan2Plan::NoiseSides() const {
  std::vector<int64_t> sides{kStem};
  for (int64_t side = 2 * kStem; side <= size; side *= 2) sides.insert(sides.end(), {side, side});
  return sides;
}

Stylegan2Generator::Stylegan2Generator(const Stylegan2Plan& plan, Fill fill, at::Device device,
                                       std::optional<at::Generator> generator)
    : plan_(plan),
      set_(fill, device, std::move(generator)),
      filter_(ResamplingFilter(set_)),
      mapping_(set_, "generator.mapping",
               {plan.latent, plan.labels.width(), plan.latent, plan.mapping_layers}) {
  mean_w_ = set_.Buffer("generator.mapping.w_avg", at::zeros({plan.latent}));
  constant_ = set_.Parameter("generator.synthesis.b4.const", {plan.Width(kStem), kStem, kStem}, Normal(0, 1));
  for (int64_t side = kStem; side <= plan.size; side *= 2) {
    const std::string name = "generator.synthesis.b" + std::to_string(side) + ".";
    const int64_t width = plan.Width(side);
    Block block{side, {}, {}};
    if (side > kStem)
      block.convolutions.push_back(Layer(name + "conv0", plan.Width(side / 2), width, 3, side));
    block.convolutions.push_back(Layer(name + "conv1", width, width, 3, side));
    block.to_rgb = Layer(name + "torgb", width, plan.channels, 1, 0);
    blocks_.push_back(std::move(block));
  }
}

StyledLayer Stylegan2Generator::Layer(const std::string& name, int64_t inputs, int64_t outputs,
                                      int64_t kernel, int64_t noise_side) {
  StyledLayer layer;
  layer.name = name;
  layer.affine.weight = set_.Parameter(name + ".affine.weight", {inputs, plan_.latent}, Normal(0, 1));
  layer.affine.bias = set_.Parameter(name + ".affine.bias", {inputs}, Constant(1));
  layer.weight = set_.Parameter(name + ".weight", {outputs, inputs, kernel, kernel}, Normal(0, 1));
  if (noise_side > 0) {
    const int64_t shape[] = {noise_side, noise_side};
    layer.noise_const = set_.Buffer(
        name + ".noise_const", set_.fill() == Fill::kDraw ? at::randn(shape, set_.generator(), at::kFloat)
                                                          : at::empty(shape, at::kFloat));
    layer.noise_strength = set_.Parameter(name + ".noise_strength", {}, Constant(0));
  }
  layer.bias = set_.Parameter(name + ".bias", {outputs}, Constant(0));
  return layer;
}

// Modulation, convolution, demodulation: paper, section 2.2 and appendix B. Scaling what goes into a shared
// convolution and what comes out is the same as scaling a picture's own weights, which would be N of them.
Tensor Stylegan2Generator::Styled(Ops& ops, const StyledLayer& layer, const Tensor& x, const Tensor& w,
                                  const Tensor& noise, bool doubled) const {
  ops.Enter(layer.name + ".affine");
  const Tensor style = ops.Linear(ops.Scale(w, Scale(plan_.latent)), layer.affine);  // [N,I]
  ops.Enter(layer.name);
  Tensor y = ops.Modulate(x, style);
  if (doubled) {
    const Tensor weight = layer.transposed.defined() ? layer.transposed : layer.weight.transpose(0, 1);
    y = ops.ConvTranspose(y, {weight, {}}, 2, 0, 0);  // [N,O,2H+1,2W+1]
    y = ops.Resample(y, filter_ * 4, 1, 1, {1, 1});   // [N,O,2H,2W]
  } else {
    y = ops.Conv(y, {layer.weight, {}}, 1, 1);
  }
  const Tensor demodulation = ops.Demodulation(style, layer.weight, layer.energy);
  ops.Enter(layer.name);
  return CheckCancelled(
      ops.StyledActivation(y, {demodulation, noise, layer.noise_strength, layer.bias, kActivationGain}));
}

Tensor Stylegan2Generator::ToRgb(Ops& ops, const StyledLayer& layer, const Tensor& x, const Tensor& w) const {
  ops.Enter(layer.name + ".affine");
  const Tensor style =
      ops.Scale(ops.Linear(ops.Scale(w, Scale(plan_.latent)), layer.affine), Scale(x.size(1)));
  ops.Enter(layer.name);
  return ops.Conv(ops.Modulate(x, style), {layer.weight, layer.bias}, 1, 0);
}

Tensor Stylegan2Generator::Synthesise(Ops& ops, const Tensor& ws, const std::vector<Tensor>& noise) const {
  Tensor x = constant_.unsqueeze(0).expand({ws.size(0), -1, -1, -1});
  Tensor picture;
  int64_t i = 0;
  for (const Block& block : blocks_) {
    for (size_t j = 0; j < block.convolutions.size(); ++j, ++i) {
      const Tensor none;
      x = Styled(ops, block.convolutions[j], x, ws.select(1, i),
                 noise.empty() ? none : noise[static_cast<size_t>(i)], block.side > kStem && j == 0);
    }
    const Tensor pixels = ToRgb(ops, block.to_rgb, x, ws.select(1, i));
    // Zeros between pixels, and around them: a filter that sums to 4 keeps what is constant.
    picture = picture.defined() ? ops.Add(ops.Resample(picture, filter_ * 4, 2, 1, {2, 1}), pixels) : pixels;
  }
  return CheckCancelled(picture);
}

std::vector<Tensor> Stylegan2Generator::FixedNoise() const {
  std::vector<Tensor> noise;
  for (const Block& block : blocks_)
    for (const StyledLayer& layer : block.convolutions)
      noise.push_back(layer.noise_const.unsqueeze(0).unsqueeze(0));
  return noise;
}

void Stylegan2Generator::Freeze() {
  const at::NoGradGuard no_grad;
  for (Block& block : blocks_)
    for (size_t j = 0; j < block.convolutions.size(); ++j) {
      StyledLayer& layer = block.convolutions[j];
      layer.energy = EnergyOf(layer.weight);
      if (block.side > kStem && j == 0) layer.transposed = layer.weight.transpose(0, 1).contiguous();
    }
}

}  // namespace shinsaku
