// Process-wide switches of libtorch and what the machine offers.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api.h"

namespace shinsaku {

// Sets the switches of cuBLAS, cuDNN and PyTorch to what "precision", "deterministic" and "exact" say. They
// are process-wide, so every unit sets them anew.
void ApplyPrecision(const Spec& spec);

// Whether a GPU may round the factors of float32 products and convolutions to 10 bits; as process-wide.
void AllowTf32(bool tf32);

// The switches as they are.
Numerics NumericsNow();

// The spec's "device": "cpu" or "cuda:N".
at::Device DeviceOf(const Spec& spec);

// Names of tensor element types as safetensors has them.
std::string DtypeName(at::ScalarType type);

}  // namespace shinsaku
