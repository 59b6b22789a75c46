// Vectors of kLanes floats in GCC's vector extension: one source for every width. Only for the kernel files,
// each of which is compiled with its own processor flags; nothing here may have external linkage, or the
// linker could hand one processor's code to another.
#pragma once

#include <cstdint>

namespace {

#define SHINSAKU_INLINE inline __attribute__((always_inline))

constexpr int64_t kLanes = SHINSAKU_LANES;

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef float UnalignedVec __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));

SHINSAKU_INLINE Vec Load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
SHINSAKU_INLINE void Store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
SHINSAKU_INLINE Vec Splat(float x) { return x - Vec{}; }
SHINSAKU_INLINE Vec Max(Vec a, Vec b) { return a > b ? a : b; }
SHINSAKU_INLINE Vec Min(Vec a, Vec b) { return a < b ? a : b; }

// Lane i of the result is lane i ^ distance.
template <int kDistance>
SHINSAKU_INLINE Vec Swap(Vec v) {
  IntVec lanes;
#pragma GCC unroll 16
  for (int i = 0; i < static_cast<int>(kLanes); ++i) lanes[i] = i ^ kDistance;
  return __builtin_shuffle(v, lanes);
}

// The sum of all lanes, in every lane.
SHINSAKU_INLINE Vec Sum(Vec v) {
  if constexpr (kLanes > 8) v += Swap<8>(v);
  v += Swap<4>(v);
  v += Swap<2>(v);
  return v + Swap<1>(v);
}

// The largest lane, in every lane.
SHINSAKU_INLINE Vec Largest(Vec v) {
  if constexpr (kLanes > 8) v = Max(v, Swap<8>(v));
  v = Max(v, Swap<4>(v));
  v = Max(v, Swap<2>(v));
  return Max(v, Swap<1>(v));
}

// e^x within 2 ulp, for results that are normal floats: x = n ln2 + r, a polynomial in r (Cephes' expf), n
// into the exponent. Adding and taking away 1.5 * 2^23 rounds to an integer.
SHINSAKU_INLINE Vec Exp(Vec x) {
  x = Min(Max(x, Splat(-87.3F)), Splat(88.3F));
  const Vec magic = Splat(12582912.0F);
  const Vec shifted = x * Splat(1.44269504F) + magic;
  const Vec n = shifted - magic;
  Vec r = x - n * Splat(0.693359375F);
  r = r + n * Splat(2.12194440e-4F);
  Vec p = Splat(1.9875691500e-4F);
  p = p * r + Splat(1.3981999507e-3F);
  p = p * r + Splat(8.3334519073e-3F);
  p = p * r + Splat(4.1665795894e-2F);
  p = p * r + Splat(1.6666665459e-1F);
  p = p * r + Splat(5.0000001201e-1F);
  p = p * (r * r) + (r + Splat(1.0F));
  const IntVec exponent = (reinterpret_cast<IntVec>(shifted) - reinterpret_cast<IntVec>(magic) + 127) << 23;
  return p * reinterpret_cast<Vec>(exponent);
}

SHINSAKU_INLINE Vec Silu(Vec x) { return x / (Exp(-x) + Splat(1.0F)); }

}  // namespace
