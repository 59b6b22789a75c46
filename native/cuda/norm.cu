// Launches the kernels of cuda/norm.cuh: picks the instance for the element type and the number of channels.
#include "cuda/norm.cuh"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "cuda/norm.h"

namespace shinsaku {
namespace {

constexpr int64_t kMostBlocks = 64;

int BlocksOf(int64_t pixels) {
  const int64_t wanted = (pixels + kNormWarps - 1) / kNormWarps;
  return static_cast<int>(wanted < kMostBlocks ? wanted : kMostBlocks);
}

void Check() {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string("a kernel for norms did not start: ") + cudaGetErrorString(error));
}

template <typename T, int PAIRS, bool SILU>
void Forward(const NormCall& call, cudaStream_t stream) {
  const NormIn<T> in{static_cast<const T*>(call.x), call.bias, call.gain, call.scale, call.shift};
  const int64_t rows = call.images * call.pixels;
  const auto blocks = static_cast<unsigned>((rows + kNormWarps - 1) / kNormWarps);
  NormForwardKernel<T, PAIRS, SILU><<<blocks, kNormThreads, 0, stream>>>(
      in, static_cast<const T*>(call.bypass), static_cast<T*>(call.y), call.root,
      {static_cast<int>(call.images), static_cast<int>(call.pixels)});
}

template <typename T, int PAIRS, bool SILU>
void Backward(const NormCall& call, cudaStream_t stream) {
  const NormIn<T> in{static_cast<const T*>(call.x), call.bias, call.gain, call.scale, call.shift};
  const int blocks = BlocksOf(call.pixels), images = static_cast<int>(call.images);
  const int channels = static_cast<int>(call.channels);
  NormBackwardKernel<T, PAIRS, SILU><<<dim3(blocks, images), kNormThreads, 0, stream>>>(
      in, static_cast<const T*>(call.dy), call.root, static_cast<T*>(call.dx), call.partial,
      {images, static_cast<int>(call.pixels)});
  NormReduceAllKernel<<<dim3(channels / kLanes, call.dbias ? 2 : 1), kNormThreads, 0, stream>>>(
      call.partial, call.dgain, call.dbias, images * blocks, channels);
  if (call.dscale) {
    NormReduceFilmKernel<<<dim3((channels + 127) / 128, images), 128, 0, stream>>>(
        call.partial, call.dscale, call.dshift, blocks, channels);
  }
}

// Calls Launch<T,PAIRS,SILU>; false for a width that has no instance.
template <template <typename, int, bool> class Launch, typename T, bool SILU>
bool ForWidth(const NormCall& call, cudaStream_t stream) {
  switch (call.channels) {
    case 64:
      return Launch<T, 1, SILU>::Do(call, stream);
    case 128:
      return Launch<T, 2, SILU>::Do(call, stream);
    case 256:
      return Launch<T, 4, SILU>::Do(call, stream);
    case 512:
      return Launch<T, 8, SILU>::Do(call, stream);
    case 1024:
      return Launch<T, 16, SILU>::Do(call, stream);
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
  Check();
}

template <typename T, int PAIRS, bool SILU>
struct LaunchForward {
  static bool Do(const NormCall& call, cudaStream_t stream) {
    return Forward<T, PAIRS, SILU>(call, stream), true;
  }
};

template <typename T, int PAIRS, bool SILU>
struct LaunchBackward {
  static bool Do(const NormCall& call, cudaStream_t stream) {
    return Backward<T, PAIRS, SILU>(call, stream), true;
  }
};

}  // namespace

bool NormHas(int64_t channels) {
  return channels == 64 || channels == 128 || channels == 256 || channels == 512 || channels == 1024;
}

int64_t NormPartials(int64_t images, int64_t pixels, int64_t channels) {
  return images * BlocksOf(pixels) * kSums * channels;
}

void NormForward(const NormCall& call, void* stream) { Dispatch<LaunchForward>(call, stream); }
void NormBackward(const NormCall& call, void* stream) { Dispatch<LaunchBackward>(call, stream); }

}  // namespace shinsaku
