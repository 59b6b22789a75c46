// RMS norm over the channels of NHWC pixels with FiLM, SiLU and a residual, forward and backward.
//
//   h = x r,  r = sqrt(C) / max(|x|, 1e-12)        t = h gain (1 + scale) + shift        y = t sigmoid(t) +
//   residual
//
// One warp for each pixel; each lane holds PAIRS neighbouring pairs of channels, C = 64 PAIRS. T is float or
// Half.
#pragma once

#include "cuda/pixels.cuh"

namespace shinsaku {

constexpr int kSums = 4;  // dgain, dscale, dshift, dbias

// Grid: ceil(images * pixels / kNormWarps).
template <typename T, int PAIRS, bool SILU>
__global__ void __launch_bounds__(kNormThreads)
    NormForwardKernel(NormIn<T> in, const T* __restrict__ residual, T* __restrict__ y,
                      float* __restrict__ root, NormShape shape) {
  constexpr int C = 2 * kLanes * PAIRS;
  const int row = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / kLanes);
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  if (row >= shape.images * shape.pixels) return;
  const long long film = static_cast<long long>(row / shape.pixels) * C;
  const long long base = static_cast<long long>(row) * C;

  float v[PAIRS][2], sum = 0.f;
#pragma unroll
  for (int i = 0; i < PAIRS; i++) {
    const auto pair = reinterpret_cast<const Pair<T>*>(in.x + base)[i * kLanes + lane];
    v[i][0] = Widen(pair.a), v[i][1] = Widen(pair.b);
    if (in.bias) {
      const int c = 2 * (i * kLanes + lane);
      v[i][0] += in.bias[c], v[i][1] += in.bias[c + 1];
    }
    sum += v[i][0] * v[i][0] + v[i][1] * v[i][1];
  }
  const float r = sqrtf(static_cast<float>(C)) / fmaxf(sqrtf(WarpSum(sum)), 1e-12f);
  if (root && lane == 0) root[row] = r;
#pragma unroll
  for (int i = 0; i < PAIRS; i++) {
    const int p = i * kLanes + lane, c = 2 * p;
    float t[2];
#pragma unroll
    for (int j = 0; j < 2; j++) {
      t[j] = v[i][j] * r * in.gain[c + j];
      if (in.scale) t[j] = t[j] * (1.f + in.scale[film + c + j]) + in.shift[film + c + j];
    }
    PutPair<SILU>(t[0], t[1], residual, y, base, p);
  }
}

// dx, and for each block the sums of dgain, dscale and dshift: partial[image][block][3][C]. Grid: (blocks,
// images). t is computed again from x and r: one tensor less to keep and to read. No atomics: warps add up in
// a fixed order and NormReduceKernel adds the blocks, so results repeat bit for bit.
template <typename T, int PAIRS, bool SILU>
__global__ void __launch_bounds__(kNormThreads)
    NormBackwardKernel(NormIn<T> in, const T* __restrict__ dy, const float* __restrict__ root,
                       T* __restrict__ dx, float* __restrict__ partial, NormShape shape) {
  constexpr int C = 2 * kLanes * PAIRS;
  __shared__ float total[kSums][C];
  const int lane = static_cast<int>(threadIdx.x) % kLanes, warp = static_cast<int>(threadIdx.x) / kLanes;
  const int warps = static_cast<int>(blockDim.x) / kLanes, image = static_cast<int>(blockIdx.y);
  const long long film = static_cast<long long>(image) * C;

  float dgain[PAIRS][2] = {}, dscale[PAIRS][2] = {}, dshift[PAIRS][2] = {}, dbias[PAIRS][2] = {};
  for (int pixel = static_cast<int>(blockIdx.x) * warps + warp; pixel < shape.pixels;
       pixel += static_cast<int>(gridDim.x) * warps) {
    const long long row = static_cast<long long>(image) * shape.pixels + pixel, base = row * C;
    const float r = root[row];
    float x[PAIRS][2], direct[PAIRS][2], dot = 0.f;
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
      const int p = i * kLanes + lane;
      const auto xs = reinterpret_cast<const Pair<T>*>(in.x + base)[p];
      const auto ds = reinterpret_cast<const Pair<T>*>(dy + base)[p];
      x[i][0] = Widen(xs.a), x[i][1] = Widen(xs.b);
      if (in.bias) x[i][0] += in.bias[2 * p], x[i][1] += in.bias[2 * p + 1];
      const float d[2] = {Widen(ds.a), Widen(ds.b)};
#pragma unroll
      for (int j = 0; j < 2; j++) {
        const int c = 2 * p + j;
        const float h = x[i][j] * r, plain = h * in.gain[c];
        const float factor = in.scale ? 1.f + in.scale[film + c] : 1.f;
        const float t = plain * factor + (in.scale ? in.shift[film + c] : 0.f);
        const float s = 1.f / (1.f + expf(-t));
        const float dt = SILU ? d[j] * s * (1.f + t * (1.f - s)) : d[j];
        dshift[i][j] += dt;
        dscale[i][j] += dt * plain;
        dgain[i][j] += dt * factor * h;
        direct[i][j] = dt * factor * in.gain[c] * r;  // dx if r did not depend on x
        dot += direct[i][j] * x[i][j];
      }
    }
    const float pull = WarpSum(dot) * r * r / static_cast<float>(C);  // 1 / |x|^2 = r^2 / C
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
      direct[i][0] -= x[i][0] * pull, direct[i][1] -= x[i][1] * pull;
      dbias[i][0] += direct[i][0], dbias[i][1] += direct[i][1];
      Pair<T> out;
      Narrow(&out.a, direct[i][0]), Narrow(&out.b, direct[i][1]);
      reinterpret_cast<Pair<T>*>(dx + base)[i * kLanes + lane] = out;
    }
  }

  for (int turn = 0; turn < warps; turn++) {
    if (turn == warp) {
#pragma unroll
      for (int i = 0; i < PAIRS; i++) {
#pragma unroll
        for (int j = 0; j < 2; j++) {
          const int c = 2 * (i * kLanes + lane) + j;
          total[0][c] = (turn ? total[0][c] : 0.f) + dgain[i][j];
          total[1][c] = (turn ? total[1][c] : 0.f) + dscale[i][j];
          total[2][c] = (turn ? total[2][c] : 0.f) + dshift[i][j];
          total[3][c] = (turn ? total[3][c] : 0.f) + dbias[i][j];
        }
      }
    }
    __syncthreads();
  }
  float* out = partial + (static_cast<long long>(image) * gridDim.x + blockIdx.x) * kSums * C;
  for (int i = static_cast<int>(threadIdx.x); i < kSums * C; i += static_cast<int>(blockDim.x)) {
    out[i] = (&total[0][0])[i];
  }
}

// dscale and dshift [images,C] or null. One thread for each channel and image (blockIdx.y).
__global__ void NormReduceFilmKernel(const float* __restrict__ partial, float* __restrict__ dscale,
                                     float* __restrict__ dshift, int blocks, int C) {
  const int c = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), image = static_cast<int>(blockIdx.y);
  if (c >= C) return;
  float scale = 0.f, shift = 0.f;
  for (int b = 0; b < blocks; b++) {
    const float* p = partial + (static_cast<long long>(image) * blocks + b) * kSums * C;
    scale += p[C + c];
    shift += p[2 * C + c];
  }
  dscale[static_cast<long long>(image) * C + c] = scale;
  dshift[static_cast<long long>(image) * C + c] = shift;
}

// dgain and dbias [C], sums over all `rows` = images * blocks. Grid: (C / 32, 2), or (C / 32, 1) for dgain
// alone. Each warp of a block adds every kNormWarps-th row, then the warps' sums are added in order.
__global__ void __launch_bounds__(kNormThreads)
    NormReduceAllKernel(const float* __restrict__ partial, float* __restrict__ dgain,
                        float* __restrict__ dbias, int rows, int C) {
  __shared__ float sums[kNormWarps][kLanes];
  const int lane = static_cast<int>(threadIdx.x) % kLanes, warp = static_cast<int>(threadIdx.x) / kLanes;
  const int c = static_cast<int>(blockIdx.x) * kLanes + lane;  // C is a multiple of 32
  const float* from = partial + (blockIdx.y == 0 ? 0 : 3 * C) + c;
  float sum = 0.f;
  for (int row = warp; row < rows; row += kNormWarps) sum += from[static_cast<long long>(row) * kSums * C];
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp != 0) return;
  for (int other = 1; other < kNormWarps; other++) sum += sums[other][lane];
  (blockIdx.y == 0 ? dgain : dbias)[c] = sum;
}

}  // namespace shinsaku
