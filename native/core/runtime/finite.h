// Looks for NaN and infinities: a loss or a weight that holds one never recovers.
#pragma once

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// Throws LOSS_NOT_FINITE that names the series and the update. Looks at losses and at the norm of the
// gradients.
void RequireFinite(const Metrics& metrics);

// Throws WEIGHTS_NOT_FINITE that names the tensor. Reads every weight once and waits for the device once.
void RequireFinite(const NamedTensors& tensors);

// Throws WEIGHTS_NOT_FINITE that names the tensor and the first such element. `x` is contiguous and on the
// CPU.
void RequireFinite(const std::string& name, const at::Tensor& x);

}  // namespace shinsaku
