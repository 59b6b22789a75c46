// What the kernels of norms share: element types, and how the threads of a block take pixels. No includes:
// nvcc takes these files as they are, and test/native/cuda_check.cc runs them on the CPU, thread by thread.
#pragma once

namespace shinsaku {

struct Half {  // bfloat16
  unsigned short bits;
};

template <typename T>
struct alignas(2 * sizeof(T)) Pair {
  T a, b;
};

__device__ __forceinline__ float Widen(float v) { return v; }
__device__ __forceinline__ float Widen(Half v) {
  return __uint_as_float(static_cast<unsigned>(v.bits) << 16);
}
__device__ __forceinline__ void Narrow(float* p, float v) { *p = v; }
__device__ __forceinline__ void Narrow(Half* p, float v) {
  const unsigned bits = __float_as_uint(v);
  // To the nearest, ties to even; a NaN stays one.
  p->bits = v == v ? static_cast<unsigned short>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)
                   : static_cast<unsigned short>(0x7fc0u);
}

__device__ __forceinline__ float WarpSum(float v) {
#pragma unroll
  for (int offset = 16; offset; offset >>= 1) v += __shfl_xor_sync(0xffffffffu, v, offset);
  return v;
}

constexpr int kLanes = 32;
constexpr int kNormThreads = 256;
constexpr int kNormWarps = kNormThreads / kLanes;

struct NormShape {
  int images, pixels;
};

template <typename T>
struct NormIn {
  const T* x;
  const float* bias;  // or null
  const float* gain;
  const float* beta;   // GroupNorm's
  const float* scale;  // with shift, or both null
  const float* shift;
};

// What follows a norm, for pair `p` of the pixel at `base`: SiLU where wanted, and `residual` (or null)
// added.
template <bool SILU, typename T>
__device__ __forceinline__ void PutPair(float a, float b, const T* residual, T* y, long long base, int p) {
  if (SILU) a = a / (1.f + expf(-a)), b = b / (1.f + expf(-b));
  if (residual) {
    const auto pair = reinterpret_cast<const Pair<T>*>(residual + base)[p];
    a += Widen(pair.a), b += Widen(pair.b);
  }
  Pair<T> out;
  Narrow(&out.a, a), Narrow(&out.b, b);
  reinterpret_cast<Pair<T>*>(y + base)[p] = out;
}

}  // namespace shinsaku
