// Stochastic gradient descent with the bits of torch.optim.SGD.
#pragma once

#include "core/nn/parameters.h"

namespace shinsaku {

struct SgdOptions {
  double momentum;
  double weight_decay;  // added to the gradient before the momentum
};

class Sgd {
 public:
  Sgd(const NamedTensors& parameters, const SgdOptions& options);
  // Uses the gradients as they are.
  void Apply(double lr);
  NamedTensors state() const { return buffers_; }  // live tensors; none without momentum

 private:
  NamedTensors parameters_;
  SgdOptions options_;
  NamedTensors buffers_;
};

}  // namespace shinsaku
