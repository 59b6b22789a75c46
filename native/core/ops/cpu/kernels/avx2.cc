// The kernels for AVX2 and FMA: eight floats at a time.
#define SHINSAKU_LANES 8
#include "core/ops/cpu/kernels/table.h"

namespace shinsaku::cpu {

const Kernels* Avx2Kernels() {
  static constexpr Kernels kTable = TableOf("cpu-avx2");
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kTable : nullptr;
}

}  // namespace shinsaku::cpu
