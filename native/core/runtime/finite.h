// Looks for numbers that are none: a loss or a weight that is NaN or infinite never recovers.
#pragma once

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// Throws LOSS_NOT_FINITE that names the series and the update. Looks at losses and at the norm of the
// gradients.
void RequireFinite(const Metrics& metrics);

// Throws WEIGHTS_NOT_FINITE that names the tensor. Reads every weight once and waits for the device once.
void RequireFinite(const NamedTensors& tensors);

}  // namespace shinsaku
