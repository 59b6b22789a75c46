// Launches the kernels of cuda/group_norm.cuh.
#include "cuda/group_norm.cuh"

#include "cuda/launch.cuh"
#include "cuda/norm.h"

namespace shinsaku {
namespace {

constexpr unsigned kThreads =
    128;  // of kernels with a thread for each channel, or each group of each picture

unsigned BlocksFor(int64_t threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

template <typename T, int PAIRS, bool SILU>
struct Forward {
  static void Do(const NormCall& call, cudaStream_t stream) {
    const auto in = In<T>(call);
    const NormShape shape = ShapeOf(call);
    const int blocks = BlocksOf(call.pixels), channels = static_cast<int>(call.channels);
    GroupSumsKernel<T, PAIRS>
        <<<dim3(blocks, shape.images), kNormThreads, 0, stream>>>(in, call.partial, shape);
    GroupStatisticsKernel<T><<<BlocksFor(call.images * kNormGroups), kThreads, 0, stream>>>(
        in, call.partial, call.root, shape, blocks, channels);
    GroupForwardKernel<T, PAIRS><<<RowBlocks(call), kNormThreads, 0, stream>>>(
        in, call.root, static_cast<const T*>(call.residual), static_cast<T*>(call.y), shape, SILU);
  }
};

template <typename T, int PAIRS, bool SILU>
struct Backward {
  static void Do(const NormCall& call, cudaStream_t stream) {
    const auto in = In<T>(call);
    const auto dy = static_cast<const T*>(call.dy);
    const NormShape shape = ShapeOf(call);
    const int blocks = BlocksOf(call.pixels), channels = static_cast<int>(call.channels);
    float* sums = call.partial + call.images * blocks * kChannelSums * call.channels;
    float* pull = sums + call.images * kChannelSums * call.channels;
    GroupBackwardSumsKernel<T, PAIRS><<<dim3(blocks, shape.images), kNormThreads, 0, stream>>>(
        in, dy, call.root, call.partial, shape, SILU);
    GroupReduceKernel<T><<<dim3(BlocksFor(call.channels), shape.images), kThreads, 0, stream>>>(
        in, call.partial, sums, call.dscale, call.dshift, blocks, channels);
    GroupPullKernel<T>
        <<<BlocksFor(call.images * kNormGroups), kThreads, 0, stream>>>(in, sums, pull, shape, channels);
    GroupBackwardKernel<T, PAIRS><<<RowBlocks(call), kNormThreads, 0, stream>>>(
        in, dy, call.root, pull, static_cast<T*>(call.dx), shape, SILU);
    GroupParametersKernel<T><<<BlocksFor(call.channels), kThreads, 0, stream>>>(
        in, sums, call.root, pull, call.dgain, call.dbeta, call.dbias, shape, channels);
  }
};

}  // namespace

int64_t GroupNormPartials(int64_t images, int64_t pixels, int64_t channels) {
  return images * ((BlocksOf(pixels) + 1) * kChannelSums * channels + kNormGroups * kMoments);
}

void GroupNormForward(const NormCall& call, void* stream) { Dispatch<Forward>(call, stream); }
void GroupNormBackward(const NormCall& call, void* stream) { Dispatch<Backward>(call, stream); }

}  // namespace shinsaku
