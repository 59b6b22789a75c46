// The table of one instruction set; the including file says which.
#pragma once

#include "core/ops/cpu/kernels/gemm.h"
#include "core/ops/cpu/kernels/rows.h"
#include "core/ops/cpu/kernels/rows_back.h"
#include "core/ops/cpu/kernels/update.h"
#include "core/ops/cpu/kernels/winograd.h"
#include "core/ops/cpu/kernels/winograd_back.h"

namespace {

constexpr shinsaku::cpu::Kernels TableOf(const char* name) {
  return {.name = name,
          .lanes = kLanes,
          .panel = kPanelVecs * kLanes,
          .rows = kTileRows,
          .gemm = Multiply,
          .weigh = Weigh,
          .gather = Gather,
          .scatter = Scatter,
          .norm = Norm,
          .moments = Moments,
          .peaks = Peaks,
          .exponents = Exponents,
          .softmax = Softmax,
          .expand = Expand,
          .unweigh = Unweigh,
          .transpose = Transpose,
          .norm_back = NormBackward,
          .blend = Blend,
          .softmax_back = SoftmaxBack,
          .exponents_back = ExponentsBack,
          .columns = Columns,
          .adam = AdamStep,
          .squares = Squares};
}

}  // namespace
