// The kernels for NEON, which every arm64 processor has: four floats at a time.
#define SHINSAKU_LANES 4
#include "core/ops/cpu/kernels/table.h"

namespace shinsaku::cpu {

const Kernels* NeonKernels() {
  static constexpr Kernels kTable = TableOf("cpu-neon");
  return &kTable;
}

}  // namespace shinsaku::cpu
