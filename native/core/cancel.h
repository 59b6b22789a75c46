// Ends a running unit early when the process wants to exit.
#pragma once

#include <ATen/core/Tensor.h>

namespace shinsaku {

// Throws a SHUT_DOWN failure once RequestCancel() was called. Cheap: one relaxed atomic read.
void ThrowIfCancelled();

// The same, and again when the backward pass comes by `x`. Changes no bit of `x`.
const at::Tensor& Interruptible(const at::Tensor& x);

}  // namespace shinsaku
