// bf16 arithmetic where the spec asks for it, chosen for each operation by PyTorch's autocast lists.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api.h"

namespace shinsaku {

// Around one forward pass when "precision" is bf16, else without effect. Its end drops the cached bf16
// weights, so weights must not change inside.
class Autocast {
 public:
  Autocast(const Spec& spec, at::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool on_;
};

}  // namespace shinsaku
