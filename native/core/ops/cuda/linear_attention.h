// Linear attention over pixels that lie as rows, as one operation that autograd knows.
#pragma once

#include "core/ops/ops.h"

namespace shinsaku {

// Shen 2021 as the U-Net "2.3" has it: with q softmaxed over each head's channels, and k over the pixels and
// memories,
//   out = scale * q (k^T v), head by head.
// qkv [N,pixels,3 heads head_dim] contiguous, memory [2,heads,head_dim,memories]; returns [N,pixels,heads
// head_dim].
Tensor RowsLinearAttention(const Tensor& qkv, const Tensor& memory, int64_t heads, double scale);

}  // namespace shinsaku
