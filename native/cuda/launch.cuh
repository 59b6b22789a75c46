// What the launches of norms share: how many blocks take a picture's pixels, and the instance for an element
// type and a number of channels.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "cuda/pixels.cuh"
#include "cuda/plugin.h"

namespace shinsaku {

constexpr int64_t kMaxBlocks = 64;

inline int BlocksOf(int64_t pixels) {
  const int64_t wanted = (pixels + kNormWarps - 1) / kNormWarps;
  return static_cast<int>(wanted < kMaxBlocks ? wanted : kMaxBlocks);
}

// Of kernels with a warp for each pixel.
inline unsigned RowBlocks(const NormCall& call) {
  return static_cast<unsigned>((call.images * call.pixels + kNormWarps - 1) / kNormWarps);
}

inline NormShape ShapeOf(const NormCall& call) {
  return {static_cast<int>(call.images), static_cast<int>(call.pixels)};
}

template <typename T>
NormIn<T> In(const NormCall& call) {
  return {static_cast<const T*>(call.x), call.bias, call.gain, call.beta, call.scale, call.shift};
}

// Calls Launch<T,PAIRS,SILU>::Do; false for a width that has no instance.
template <template <typename, int, bool> class Launch, typename T, bool SILU>
bool ForWidth(const NormCall& call, cudaStream_t stream) {
  switch (call.channels) {
    case 64:
      return Launch<T, 1, SILU>::Do(call, stream), true;
    case 128:
      return Launch<T, 2, SILU>::Do(call, stream), true;
    case 256:
      return Launch<T, 4, SILU>::Do(call, stream), true;
    case 512:
      return Launch<T, 8, SILU>::Do(call, stream), true;
    case 1024:
      return Launch<T, 16, SILU>::Do(call, stream), true;
    default:
      return false;
  }
}

template <template <typename, int, bool> class Launch>
void Dispatch(const NormCall& call, void* stream_given) {
  const auto stream = static_cast<cudaStream_t>(stream_given);
  const bool done = call.half ? (call.silu ? ForWidth<Launch, Half, true>(call, stream)
                                           : ForWidth<Launch, Half, false>(call, stream))
                              : (call.silu ? ForWidth<Launch, float, true>(call, stream)
                                           : ForWidth<Launch, float, false>(call, stream));
  if (!done)
    throw std::runtime_error("no kernel for norms over " + std::to_string(call.channels) + " channels");
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string("a kernel for norms did not start: ") + cudaGetErrorString(error));
}

}  // namespace shinsaku
