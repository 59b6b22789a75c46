// Weights of networks that only make features: convolutions with their batch norms folded into them.
#pragma once

#include <string>

#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

class FeatureWeights {
 public:
  FeatureWeights(const NamedTensors& tensors, at::Device device) : tensors_(tensors), device_(device) {}

  // The convolution `conv`.weight of that shape and the batch norm `norm`.* after it, as one. Throws
  // CHECKPOINT_MISMATCH that names the tensor where one is missing or has another shape.
  ConvWeights Folded(const std::string& conv, const std::string& norm, at::IntArrayRef shape,
                     double eps) const;

 private:
  at::Tensor Take(const std::string& name, at::IntArrayRef shape) const;

  const NamedTensors& tensors_;
  at::Device device_;
};

}  // namespace shinsaku
