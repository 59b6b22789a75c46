// Adam by the cpu sets' kernels: clipping, decay and update in one pass over the weights.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/optim/adam.h"

namespace shinsaku {

class KernelAdam : public Adam {
 public:
  KernelAdam(const NamedTensors& parameters, const std::string& prefix, const AdamOptions& options,
             const cpu::Kernels& kernels)
      : Adam(parameters, prefix, options), kernels_(kernels) {}
  at::Tensor Clip(double max_norm) override;
  void Apply() override;

 private:
  const cpu::Kernels& kernels_;
  float clip_ = 1;  // what the next update multiplies gradients with
};

}  // namespace shinsaku
