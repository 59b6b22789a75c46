// torch.nn.utils.clip_grad_norm_.
#pragma once

#include "core/nn/parameters.h"

namespace shinsaku {

// Scales the gradients of `parameters` down to this norm of all of them together, where it is more. Returns
// the norm before, a device scalar.
at::Tensor ClipGradNorm(const NamedTensors& parameters, double max_norm);

}  // namespace shinsaku
