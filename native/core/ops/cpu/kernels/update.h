// The update of the weights: Adam with clipping and decay in one pass.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::AdamRun;

// T: Vec, or float for what is left over.
template <typename T, typename Read, typename Write>
SHINSAKU_INLINE void AdamAt(const AdamRun& a, int64_t i, const Read& read, const Write& write) {
  T p = read(a.p + i);
  const T g = read(a.g + i) * a.clip + p * a.decay;
  const T m0 = read(a.m + i), v0 = read(a.v + i);
  const T m = m0 + (g - m0) * a.take1;
  const T v = v0 * a.beta2 + g * g * a.take2;
  T root;
  if constexpr (sizeof(T) == sizeof(float)) {
    root = __builtin_sqrtf(v);
  } else {
    for (int64_t l = 0; l < kLanes; ++l) root[l] = __builtin_sqrtf(v[l]);
  }
  p = p - a.rate * m / (root * a.widen + a.eps);
  write(a.m + i, m);
  write(a.v + i, v);
  write(a.p + i, p);
}

void AdamStep(const AdamRun& a) {
  int64_t i = 0;
  for (; i + kLanes <= a.count; i += kLanes)
    AdamAt<Vec>(a, i, [](const float* p) { return Load(p); }, [](float* p, Vec v) { Store(p, v); });
  for (; i < a.count; ++i)
    AdamAt<float>(a, i, [](const float* p) { return *p; }, [](float* p, float v) { *p = v; });
}

double Squares(const float* x, int64_t count) {
  constexpr int64_t kPiece = 1024;  // floats that are added up in single precision
  double total = 0;
  int64_t i = 0;
  while (count - i >= kLanes) {
    Vec sum = {};
    const int64_t end = count - i < kPiece ? count : i + kPiece;
    for (; i + kLanes <= end; i += kLanes) sum += Load(x + i) * Load(x + i);
    total += static_cast<double>(Sum(sum)[0]);
  }
  for (; i < count; ++i) total += static_cast<double>(x[i]) * x[i];
  return total;
}

}  // namespace
