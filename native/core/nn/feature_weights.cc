// Weights of networks that only make features: convolutions with their batch norms folded into them.
#include "core/nn/feature_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include "core/runtime/host_tensor.h"

namespace shinsaku {

at::Tensor FeatureWeights::Take(const std::string& name, at::IntArrayRef shape) const {
  const NamedTensor taken{name, at::empty(shape, at::kFloat)};
  CopyAll({taken}, tensors_);
  return taken.tensor.to(at::kDouble);
}

ConvWeights FeatureWeights::Folded(const std::string& conv, const std::string& norm, at::IntArrayRef shape,
                                   double eps) const {
  const at::IntArrayRef channels = shape.slice(0, 1);
  const at::Tensor weight = Take(conv + ".weight", shape);
  const at::Tensor gain = Take(norm + ".weight", channels), bias = Take(norm + ".bias", channels);
  const at::Tensor mean = Take(norm + ".running_mean", channels), var = Take(norm + ".running_var", channels);
  const at::Tensor scale = gain / (var + eps).sqrt();
  const auto ready = [&](const at::Tensor& tensor) { return tensor.to(at::kFloat).to(device_); };
  return {ready(weight * scale.view({-1, 1, 1, 1})).contiguous(at::MemoryFormat::ChannelsLast),
          ready(bias - mean * scale)};
}

}  // namespace shinsaku
