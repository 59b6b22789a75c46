// GroupNorm over NHWC pixels with FiLM, SiLU and a residual, forward and backward.
//
//   h = (v - mean) / sqrt(var + 1e-5) over a picture's pixels and a group's channels (Wu and He 2018), v = x
//   + bias        t = (h gain + beta) (1 + scale) + shift        y = t sigmoid(t) + residual
//
// Back, with A, B and X a channel's sums of dt, dt h and h over a picture's pixels, and f = 1 + scale:
//
//   dshift = A    dscale = gain B + beta A    dgain, dbeta = f B, f A over all pictures
//   p, q = means of f gain dt and of f gain dt h over a group        dv = (f gain dt - p - h q) / deviation
//
// One warp for each pixel; SiLU is asked for at run time, which halves the instances. No atomics: blocks take
// fixed pixels and their sums are added in order.
#pragma once

#include "cuda/pixels.cuh"

namespace shinsaku {

constexpr int kNormGroups = 8;
constexpr int kMoments = 2;      // of a group: mean and 1 / deviation; or p and q
constexpr int kChannelSums = 3;  // A, B, X

// A group's first value of a picture. Sums are taken of distances from it, so that squares do not cancel.
template <typename T>
__device__ __forceinline__ float Pivot(const NormIn<T>& in, int image, int channel, int pixels, int C) {
  const float v = Widen(in.x[static_cast<long long>(image) * pixels * C + channel]);
  return in.bias ? v + in.bias[channel] : v;
}

// A lane's channels of the pixel at `base`.
template <typename T, int PAIRS>
__device__ __forceinline__ void ReadPixel(const NormIn<T>& in, long long base, int lane, float (*v)[2]) {
#pragma unroll
  for (int i = 0; i < PAIRS; i++) {
    const int p = i * kLanes + lane;
    const auto pair = reinterpret_cast<const Pair<T>*>(in.x + base)[p];
    v[i][0] = Widen(pair.a), v[i][1] = Widen(pair.b);
    if (in.bias) v[i][0] += in.bias[2 * p], v[i][1] += in.bias[2 * p + 1];
  }
}

// f of channel c of the picture whose FiLM begins at `film`.
template <typename T>
__device__ __forceinline__ float FactorOf(const NormIn<T>& in, long long film, int c) {
  return in.scale ? 1.f + in.scale[film + c] : 1.f;
}

// t of a channel.
template <typename T>
__device__ __forceinline__ float FilmOf(const NormIn<T>& in, long long film, int c, float h) {
  const float plain = h * in.gain[c] + in.beta[c];
  return in.scale ? plain * FactorOf(in, film, c) + in.shift[film + c] : plain;
}

__device__ __forceinline__ float SiluBack(float d, float t, bool silu) {
  if (!silu) return d;
  const float s = 1.f / (1.f + expf(-t));
  return d * s * (1.f + t * (1.f - s));
}

// partial[image][block][kMoments][kNormGroups]: sums of distances from the pivot and of their squares. Grid:
// (blocks, images).
template <typename T, int PAIRS>
__global__ void __launch_bounds__(kNormThreads)
    GroupSumsKernel(NormIn<T> in, float* __restrict__ partial, NormShape shape) {
  constexpr int C = 2 * kLanes * PAIRS, kPairsEach = C / kNormGroups / 2;
  __shared__ float total[kMoments][C / 2];
  const int lane = static_cast<int>(threadIdx.x) % kLanes, warp = static_cast<int>(threadIdx.x) / kLanes;
  const int warps = static_cast<int>(blockDim.x) / kLanes, image = static_cast<int>(blockIdx.y);

  float pivot[PAIRS], sum[PAIRS] = {}, square[PAIRS] = {};
#pragma unroll
  for (int i = 0; i < PAIRS; i++) {
    const int channel = (i * kLanes + lane) / kPairsEach * kPairsEach * 2;
    pivot[i] = Pivot(in, image, channel, shape.pixels, C);
  }
  for (int pixel = static_cast<int>(blockIdx.x) * warps + warp; pixel < shape.pixels;
       pixel += static_cast<int>(gridDim.x) * warps) {
    float v[PAIRS][2];
    ReadPixel<T, PAIRS>(in, (static_cast<long long>(image) * shape.pixels + pixel) * C, lane, v);
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
      const float a = v[i][0] - pivot[i], b = v[i][1] - pivot[i];
      sum[i] += a + b;
      square[i] += a * a + b * b;
    }
  }

  for (int turn = 0; turn < warps; turn++) {
    if (turn == warp) {
#pragma unroll
      for (int i = 0; i < PAIRS; i++) {
        const int p = i * kLanes + lane;
        total[0][p] = (turn ? total[0][p] : 0.f) + sum[i];
        total[1][p] = (turn ? total[1][p] : 0.f) + square[i];
      }
    }
    __syncthreads();
  }
  const int task = static_cast<int>(threadIdx.x);
  if (task >= kMoments * kNormGroups) return;
  const int moment = task / kNormGroups, group = task % kNormGroups;
  float all = 0.f;
  for (int p = group * kPairsEach; p < (group + 1) * kPairsEach; p++) all += total[moment][p];
  partial[(static_cast<long long>(image) * gridDim.x + blockIdx.x) * kMoments * kNormGroups + task] = all;
}

// statistics[image][group][kMoments]. One thread for each group of each picture.
template <typename T>
__global__ void GroupStatisticsKernel(NormIn<T> in, const float* __restrict__ partial,
                                      float* __restrict__ statistics, NormShape shape, int blocks, int C) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= shape.images * kNormGroups) return;
  const int image = index / kNormGroups, group = index % kNormGroups, each = C / kNormGroups;
  float sum = 0.f, square = 0.f;
  for (int b = 0; b < blocks; b++) {
    const float* p = partial + (static_cast<long long>(image) * blocks + b) * kMoments * kNormGroups + group;
    sum += p[0];
    square += p[kNormGroups];
  }
  const float count = static_cast<float>(shape.pixels) * static_cast<float>(each), away = sum / count;
  statistics[kMoments * index] = Pivot(in, image, group * each, shape.pixels, C) + away;
  statistics[kMoments * index + 1] = 1.f / sqrtf(fmaxf(square / count - away * away, 0.f) + 1e-5f);
}

// Grid: ceil(images * pixels / kNormWarps).
template <typename T, int PAIRS>
__global__ void __launch_bounds__(kNormThreads)
    GroupForwardKernel(NormIn<T> in, const float* __restrict__ statistics, const T* __restrict__ residual,
                       T* __restrict__ y, NormShape shape, bool silu) {
  constexpr int C = 2 * kLanes * PAIRS, kPairsEach = C / kNormGroups / 2;
  const int row = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / kLanes);
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  if (row >= shape.images * shape.pixels) return;
  const int image = row / shape.pixels;
  const long long film = static_cast<long long>(image) * C, base = static_cast<long long>(row) * C;

  float v[PAIRS][2];
  ReadPixel<T, PAIRS>(in, base, lane, v);
#pragma unroll
  for (int i = 0; i < PAIRS; i++) {
    const int p = i * kLanes + lane;
    const float* moments = statistics + (image * kNormGroups + p / kPairsEach) * kMoments;
    float t[2];
#pragma unroll
    for (int j = 0; j < 2; j++) {
      t[j] = FilmOf(in, film, 2 * p + j, (v[i][j] - moments[0]) * moments[1]);
    }
    if (silu) {
      PutPair<true>(t[0], t[1], residual, y, base, p);
    } else {
      PutPair<false>(t[0], t[1], residual, y, base, p);
    }
  }
}

// partial[image][block][kChannelSums][C]. Grid: (blocks, images).
template <typename T, int PAIRS>
__global__ void __launch_bounds__(kNormThreads)
    GroupBackwardSumsKernel(NormIn<T> in, const T* __restrict__ dy, const float* __restrict__ statistics,
                            float* __restrict__ partial, NormShape shape, bool silu) {
  constexpr int C = 2 * kLanes * PAIRS, kPairsEach = C / kNormGroups / 2;
  __shared__ float total[kChannelSums][C];
  const int lane = static_cast<int>(threadIdx.x) % kLanes, warp = static_cast<int>(threadIdx.x) / kLanes;
  const int warps = static_cast<int>(blockDim.x) / kLanes, image = static_cast<int>(blockIdx.y);
  const long long film = static_cast<long long>(image) * C;

  float sums[kChannelSums][PAIRS][2] = {};
  for (int pixel = static_cast<int>(blockIdx.x) * warps + warp; pixel < shape.pixels;
       pixel += static_cast<int>(gridDim.x) * warps) {
    const long long base = (static_cast<long long>(image) * shape.pixels + pixel) * C;
    float v[PAIRS][2];
    ReadPixel<T, PAIRS>(in, base, lane, v);
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
      const int p = i * kLanes + lane;
      const float* moments = statistics + (image * kNormGroups + p / kPairsEach) * kMoments;
      const auto pair = reinterpret_cast<const Pair<T>*>(dy + base)[p];
      const float d[2] = {Widen(pair.a), Widen(pair.b)};
#pragma unroll
      for (int j = 0; j < 2; j++) {
        const float h = (v[i][j] - moments[0]) * moments[1];
        const float dt = SiluBack(d[j], FilmOf(in, film, 2 * p + j, h), silu);
        sums[0][i][j] += dt;
        sums[1][i][j] += dt * h;
        sums[2][i][j] += h;
      }
    }
  }

  for (int turn = 0; turn < warps; turn++) {
    if (turn == warp) {
#pragma unroll
      for (int k = 0; k < kChannelSums; k++) {
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
#pragma unroll
          for (int j = 0; j < 2; j++) {
            const int c = 2 * (i * kLanes + lane) + j;
            total[k][c] = (turn ? total[k][c] : 0.f) + sums[k][i][j];
          }
        }
      }
    }
    __syncthreads();
  }
  float* out = partial + (static_cast<long long>(image) * gridDim.x + blockIdx.x) * kChannelSums * C;
  for (int i = static_cast<int>(threadIdx.x); i < kChannelSums * C; i += static_cast<int>(blockDim.x)) {
    out[i] = (&total[0][0])[i];
  }
}

// sums[image][kChannelSums][C], the blocks added up; and dscale and dshift [images,C], or both null. Grid:
// (ceil(C / threads), images).
template <typename T>
__global__ void GroupReduceKernel(NormIn<T> in, const float* __restrict__ partial, float* __restrict__ sums,
                                  float* __restrict__ dscale, float* __restrict__ dshift, int blocks, int C) {
  const int c = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), image = static_cast<int>(blockIdx.y);
  if (c >= C) return;
  float all[kChannelSums] = {};
  for (int b = 0; b < blocks; b++) {
    const float* p = partial + (static_cast<long long>(image) * blocks + b) * kChannelSums * C + c;
    for (int k = 0; k < kChannelSums; k++) all[k] += p[k * C];
  }
  float* out = sums + static_cast<long long>(image) * kChannelSums * C + c;
  for (int k = 0; k < kChannelSums; k++) out[k * C] = all[k];
  if (!dscale) return;
  dscale[static_cast<long long>(image) * C + c] = in.gain[c] * all[1] + in.beta[c] * all[0];
  dshift[static_cast<long long>(image) * C + c] = all[0];
}

// pull[image][group][kMoments]: p and q. One thread for each group of each picture.
template <typename T>
__global__ void GroupPullKernel(NormIn<T> in, const float* __restrict__ sums, float* __restrict__ pull,
                                NormShape shape, int C) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= shape.images * kNormGroups) return;
  const int image = index / kNormGroups, group = index % kNormGroups, each = C / kNormGroups;
  const float* own = sums + static_cast<long long>(image) * kChannelSums * C;
  float p = 0.f, q = 0.f;
  for (int c = group * each; c < (group + 1) * each; c++) {
    const float factor = FactorOf(in, static_cast<long long>(image) * C, c);
    p += factor * in.gain[c] * own[c];
    q += factor * in.gain[c] * own[C + c];
  }
  const float count = static_cast<float>(shape.pixels) * static_cast<float>(each);
  pull[kMoments * index] = p / count;
  pull[kMoments * index + 1] = q / count;
}

// dx. Grid: ceil(images * pixels / kNormWarps).
template <typename T, int PAIRS>
__global__ void __launch_bounds__(kNormThreads)
    GroupBackwardKernel(NormIn<T> in, const T* __restrict__ dy, const float* __restrict__ statistics,
                        const float* __restrict__ pull, T* __restrict__ dx, NormShape shape, bool silu) {
  constexpr int C = 2 * kLanes * PAIRS, kPairsEach = C / kNormGroups / 2;
  const int row = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / kLanes);
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  if (row >= shape.images * shape.pixels) return;
  const int image = row / shape.pixels;
  const long long film = static_cast<long long>(image) * C, base = static_cast<long long>(row) * C;

  float v[PAIRS][2];
  ReadPixel<T, PAIRS>(in, base, lane, v);
#pragma unroll
  for (int i = 0; i < PAIRS; i++) {
    const int p = i * kLanes + lane, group = image * kNormGroups + p / kPairsEach;
    const float mean = statistics[kMoments * group], scale = statistics[kMoments * group + 1];
    const auto pair = reinterpret_cast<const Pair<T>*>(dy + base)[p];
    const float d[2] = {Widen(pair.a), Widen(pair.b)};
    float back[2];
#pragma unroll
    for (int j = 0; j < 2; j++) {
      const int c = 2 * p + j;
      const float h = (v[i][j] - mean) * scale, factor = FactorOf(in, film, c);
      const float dt = SiluBack(d[j], FilmOf(in, film, c, h), silu);
      back[j] = (dt * factor * in.gain[c] - pull[kMoments * group] - h * pull[kMoments * group + 1]) * scale;
    }
    Pair<T> out;
    Narrow(&out.a, back[0]), Narrow(&out.b, back[1]);
    reinterpret_cast<Pair<T>*>(dx + base)[p] = out;
  }
}

// dgain, dbeta and dbias (or null) [C], over all pictures; dbias is the sum of dv. One thread for each
// channel.
template <typename T>
__global__ void GroupParametersKernel(NormIn<T> in, const float* __restrict__ sums,
                                      const float* __restrict__ statistics, const float* __restrict__ pull,
                                      float* __restrict__ dgain, float* __restrict__ dbeta,
                                      float* __restrict__ dbias, NormShape shape, int C) {
  const int c = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (c >= C) return;
  float gain = 0.f, beta = 0.f, bias = 0.f;
  for (int image = 0; image < shape.images; image++) {
    const float* own = sums + static_cast<long long>(image) * kChannelSums * C + c;
    const int group = kMoments * (image * kNormGroups + c / (C / kNormGroups));
    const float factor = FactorOf(in, static_cast<long long>(image) * C, c);
    gain += factor * own[C];
    beta += factor * own[0];
    const float pulled = static_cast<float>(shape.pixels) * pull[group] + own[2 * C] * pull[group + 1];
    bias += (factor * in.gain[c] * own[0] - pulled) * statistics[group + 1];
  }
  dgain[c] = gain;
  dbeta[c] = beta;
  if (dbias) dbias[c] = bias;
}

}  // namespace shinsaku
