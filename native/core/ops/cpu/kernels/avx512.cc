// The kernels for AVX-512: sixteen floats at a time.
#define SHINSAKU_LANES 16
#include "core/ops/cpu/kernels/table.h"

namespace shinsaku::cpu {

const Kernels* Avx512Kernels() {
  static constexpr Kernels kTable = TableOf("cpu-avx512");
#ifdef __AVX512F__
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
             ? &kTable
             : nullptr;
#else  // built for a test of the sixteen-lane source on a processor without AVX-512
  return Avx2Kernels() ? &kTable : nullptr;
#endif
}

}  // namespace shinsaku::cpu
