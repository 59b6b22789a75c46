// Adam whose update is the device's work alone, so that a graph can hold it.
#pragma once

#include "core/optim/adam.h"

namespace shinsaku {

class DeviceAdam : public Adam {
 public:
  DeviceAdam(const NamedTensors& parameters, const std::string& prefix, const AdamOptions& options);
  void Begin(double lr) override;
  void Apply() override;

 private:
  void ApplyChainer(at::TensorList weights, at::TensorList gradients, at::TensorList m, at::TensorList v);

  // float32 scalars of the device that change from update to update.
  at::Tensor rate_;   // learning rate; for the Chainer form lr sqrt(1-b2^t)/(1-b1^t)
  at::Tensor count_;  // updates begun
};

}  // namespace shinsaku
