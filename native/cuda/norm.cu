// Launches the kernels of cuda/norm.cuh, and says which norms have kernels.
#include "cuda/norm.cuh"

#include "cuda/group_norm.cuh"
#include "cuda/launch.cuh"
#include "cuda/norm.h"

namespace shinsaku {
namespace {

template <typename T, int PAIRS, bool SILU>
struct Forward {
  static void Do(const NormCall& call, cudaStream_t stream) {
    NormForwardKernel<T, PAIRS, SILU><<<RowBlocks(call), kNormThreads, 0, stream>>>(
        In<T>(call), static_cast<const T*>(call.residual), static_cast<T*>(call.y), call.root, ShapeOf(call));
  }
};

template <typename T, int PAIRS, bool SILU>
struct Backward {
  static void Do(const NormCall& call, cudaStream_t stream) {
    const int blocks = BlocksOf(call.pixels), images = static_cast<int>(call.images);
    const int channels = static_cast<int>(call.channels);
    NormBackwardKernel<T, PAIRS, SILU><<<dim3(blocks, images), kNormThreads, 0, stream>>>(
        In<T>(call), static_cast<const T*>(call.dy), call.root, static_cast<T*>(call.dx), call.partial,
        ShapeOf(call));
    NormReduceAllKernel<<<dim3(channels / kLanes, call.dbias ? 2 : 1), kNormThreads, 0, stream>>>(
        call.partial, call.dgain, call.dbias, images * blocks, channels);
    if (call.dscale) {
      NormReduceFilmKernel<<<dim3((channels + 127) / 128, images), 128, 0, stream>>>(
          call.partial, call.dscale, call.dshift, blocks, channels);
    }
  }
};

}  // namespace

bool NormHas(int64_t groups, int64_t channels) {
  const bool width =
      channels == 64 || channels == 128 || channels == 256 || channels == 512 || channels == 1024;
  return width && (groups == 0 || groups == kNormGroups);
}

int64_t NormPartials(int64_t groups, int64_t images, int64_t pixels, int64_t channels) {
  if (groups > 0) return GroupNormPartials(images, pixels, channels);
  return images * BlocksOf(pixels) * kSums * channels;
}

void NormForward(const NormCall& call, void* stream) {
  return call.groups > 0 ? GroupNormForward(call, stream) : Dispatch<Forward>(call, stream);
}

void NormBackward(const NormCall& call, void* stream) {
  return call.groups > 0 ? GroupNormBackward(call, stream) : Dispatch<Backward>(call, stream);
}

}  // namespace shinsaku
