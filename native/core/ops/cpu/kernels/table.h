// The table of one instruction set; the including file says which.
#pragma once

#include "core/ops/cpu/kernels/gemm.h"
#include "core/ops/cpu/kernels/rows.h"
#include "core/ops/cpu/kernels/winograd.h"

namespace {

constexpr shinsaku::cpu::Kernels TableOf(const char* name) {
  return {name,    kLanes, kPanelVecs * kLanes, kTileRows, Multiply, Weigh, Gather, Scatter, Norm,
          Moments, Peaks,  Exponents,           Softmax};
}

}  // namespace
