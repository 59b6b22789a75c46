// StyleGAN2's mapping network.
#include "core/nn/stylegan2_mapping.h"

#include <cmath>

#include "core/state_names.h"

namespace shinsaku {
namespace {

constexpr double kSpeed = 0.01;  // its learning rate beside that of the others
const double kActivationGain = std::sqrt(2.0);

double GainOf(int64_t inputs) { return 1 / std::sqrt(static_cast<double>(inputs)); }

}  // namespace

Stylegan2Mapping::Stylegan2Mapping(ParameterSet& set, std::string name, const Shape& shape)
    : name_(std::move(name)), shape_(shape) {
  int64_t inputs = shape.latent + (shape.labels > 0 ? shape.width : 0);
  for (int64_t i = 0; i < shape.layers; ++i) {
    const std::string layer = name_ + ".fc" + std::to_string(i);
    const Tensor weight = set.Parameter(layer + ".weight", {shape.width, inputs}, Normal(0, 1 / kSpeed));
    layers_.push_back({weight, set.Parameter(layer + ".bias", {shape.width}, Constant(0))});
    inputs = shape.width;
  }
  if (shape.labels == 0) return;
  const std::string layer = name_ + "." + state_names::kLabels;
  labels_.weight = set.Parameter(layer + ".weight", {shape.width, shape.labels}, Normal(0, 1));
  labels_.bias = set.Parameter(layer + ".bias", {shape.width}, Constant(0));
}

Tensor Stylegan2Mapping::Forward(Ops& ops, const Tensor& z, const Tensor& labels) const {
  Tensor w = z.defined() ? ops.PixelNorm(z) : Tensor();
  if (shape_.labels > 0) {
    ops.Enter(name_ + "." + state_names::kLabels);
    const Tensor known = ops.PixelNorm(ops.Linear(ops.Scale(labels, GainOf(shape_.labels)), labels_));
    w = w.defined() ? ops.Concat(w, known) : known;
  }
  for (size_t i = 0; i < layers_.size(); ++i) {
    ops.Enter(name_ + ".fc" + std::to_string(i));
    w = ops.Linear(ops.Scale(w, kSpeed * GainOf(w.size(1))),
                   {layers_[i].weight, ops.Scale(layers_[i].bias, kSpeed)});
    w = ops.Scale(ops.Activate(w, Activation::kLeakyRelu), kActivationGain);
  }
  return w;
}

}  // namespace shinsaku
