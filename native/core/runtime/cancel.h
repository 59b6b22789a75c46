// Ends a running unit early when the process wants to exit.
#pragma once

#include <ATen/core/Tensor.h>

namespace shinsaku {

// Throws a SHUT_DOWN failure once the flag given to WatchCancel() is true. Cheap: two relaxed reads.
void ThrowIfCancelled();

// The same, and again when the backward pass comes by `x`. Changes no bit of `x`.
const at::Tensor& CheckCancelled(const at::Tensor& x);

}  // namespace shinsaku
