// Vectors of kLanes floats in GCC's vector extension: one source for every width. Only for the kernel files,
// each of which is compiled with its own processor flags; nothing here may have external linkage, or the
// linker could hand one processor's code to another.
#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

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
// The instructions give b where either is NaN, as these comparisons do, but GCC makes them of two each.
SHINSAKU_INLINE Vec Max(Vec a, Vec b) {
#if SHINSAKU_LANES == 8
  return _mm256_max_ps(a, b);
#elif defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xFFFF, a, b);
#else
  return a > b ? a : b;
#endif
}
SHINSAKU_INLINE Vec Min(Vec a, Vec b) {
#if SHINSAKU_LANES == 8
  return _mm256_min_ps(a, b);
#elif defined(__AVX512F__)
  return _mm512_maskz_min_ps(0xFFFF, a, b);
#else
  return a < b ? a : b;
#endif
}

// Lane i of the result is lane i ^ distance.
template <int kDistance>
SHINSAKU_INLINE Vec Swap(Vec v) {
  IntVec vector_width;
#pragma GCC unroll 16
  for (int i = 0; i < static_cast<int>(kLanes); ++i) vector_width[i] = i ^ kDistance;
  return __builtin_shuffle(v, vector_width);
}

// The sum of all vector_width, in every lane.
SHINSAKU_INLINE Vec Sum(Vec v) {
  if constexpr (kLanes > 8) v += Swap<8>(v);
  if constexpr (kLanes > 4) v += Swap<4>(v);
  v += Swap<2>(v);
  return v + Swap<1>(v);
}

// The largest lane, in every lane.
SHINSAKU_INLINE Vec Largest(Vec v) {
  if constexpr (kLanes > 8) v = Max(v, Swap<8>(v));
  if constexpr (kLanes > 4) v = Max(v, Swap<4>(v));
  v = Max(v, Swap<2>(v));
  return Max(v, Swap<1>(v));
}

// e^(kSign x) within 2 ulp, for results that are normal floats: kSign x = n ln2 + r, a polynomial in r
// (Cephes' expf), n added to the exponent. Adding and taking away 1.5 * 2^23 rounds to an integer.
template <int kSign>
SHINSAKU_INLINE Vec SignedExp(Vec x) {
  constexpr float kLowest = 87.3F, kHighest = 88.3F;
  x = kSign > 0 ? Min(Max(x, Splat(-kLowest)), Splat(kHighest))
                : Min(Max(x, Splat(-kHighest)), Splat(kLowest));
  const Vec magic = Splat(12582912.0F);
  const Vec shifted = x * Splat(kSign * 1.44269504F) + magic;
  const Vec n = shifted - magic;
  // kSign r, so that no sign is turned on the way.
  Vec r = x - n * Splat(kSign * 0.693359375F);
  r = r + n * Splat(kSign * 2.12194440e-4F);
  Vec p = Splat(kSign * 1.9875691500e-4F);
  p = p * r + Splat(1.3981999507e-3F);
  p = p * r + Splat(kSign * 8.3334519073e-3F);
  p = p * r + Splat(4.1665795894e-2F);
  p = p * r + Splat(kSign * 1.6666665459e-1F);
  p = p * r + Splat(5.0000001201e-1F);
  const Vec line = kSign > 0 ? Splat(1.0F) + r : Splat(1.0F) - r;
  p = p * (r * r) + line;
  // n are the last bits of `shifted`.
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(p) + (reinterpret_cast<IntVec>(shifted) << 23));
}
SHINSAKU_INLINE Vec Exp(Vec x) { return SignedExp<1>(x); }

SHINSAKU_INLINE Vec Silu(Vec x) { return x / (SignedExp<-1>(x) + Splat(1.0F)); }

}  // namespace
