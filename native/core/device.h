// Process-wide switches of libtorch and what the machine offers.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model.h"

namespace shinsaku {

// Sets the TF32 switches of cuBLAS and cuDNN to what "precision" says. Both are process-wide, so every unit
// sets them anew.
void ApplyPrecision(const Spec& spec);

// The spec's "device": "cpu" or "cuda:N".
at::Device DeviceOf(const Spec& spec);

// Names of tensor element types as safetensors has them.
std::string DtypeName(at::ScalarType type);

}  // namespace shinsaku
