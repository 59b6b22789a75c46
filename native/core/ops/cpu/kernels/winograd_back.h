// The weight gradient of Winograd's F(4x4, 3x3): dg = G^T [(A dy A^T) o (B^T d B)] G, the transpose of the
// way forward.
#pragma once

#include "core/ops/cpu/kernels/winograd.h"

namespace {

// out <- A d, elements `step` apart.
SHINSAKU_INLINE void ExpandLine(Vec d0, Vec d1, Vec d2, Vec d3, Vec* out, int step) {
  const Vec even1 = d0 + d2, odd1 = d1 + d3;
  const Vec even2 = d0 + 4.0F * d2, odd2 = 2.0F * (d1 + 4.0F * d3);
  out[0] = d0;
  out[step] = even1 + odd1;
  out[2 * step] = even1 - odd1;
  out[3 * step] = even2 + odd2;
  out[4 * step] = even2 - odd2;
  out[5 * step] = d3;
}

void TransformGradient(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v) {
  for (int64_t slot = begin; slot < end; ++slot) {
    const Corner at = CornerOf(t, first + slot);
    float* target = v + slot * t.in_row;
    for (int s = 0; s < t.sources; ++s) {
      const Plane plane(t, s, at.image);
      const float* pixel[kTile * kTile];
      for (int i = 0; i < kTile; ++i)
        for (int j = 0; j < kTile; ++j) {
          const bool inside = at.y + i < t.height && at.x + j < t.width;
          pixel[i * kTile + j] = inside ? plane.at(at.y + i, at.x + j) : t.zeros;
        }
      const int64_t channels = t.channels[s], step = t.in_step;
      for (int64_t c = 0; c < channels; c += kLanes) {
        float* to = target + c;
        Vec half[kWindow * kTile];
#pragma GCC unroll 4
        for (int j = 0; j < kTile; ++j)
          ExpandLine(Load(pixel[j] + c), Load(pixel[kTile + j] + c), Load(pixel[2 * kTile + j] + c),
                     Load(pixel[3 * kTile + j] + c), half + j, kTile);
#pragma GCC unroll 6
        for (int i = 0; i < kWindow; ++i) {
          const Vec* h = half + i * kTile;
          Vec line[kWindow];
          ExpandLine(h[0], h[1], h[2], h[3], line, 1);
          Forget(to);
#pragma GCC unroll 6
          for (int j = 0; j < kWindow; ++j) Store(to + j * step, line[j]);
          to += kWindow * step;
        }
      }
      target += channels;
    }
  }
}

// out <- G^T u.
SHINSAKU_INLINE void UnweighLine(const Vec* u, Vec* out, int step) {
  const Vec sum1 = (u[1] + u[2]) * Splat(-1.0F / 6), difference1 = (u[2] - u[1]) * Splat(1.0F / 6);
  const Vec sum2 = u[3] + u[4], difference2 = (u[3] - u[4]) * Splat(1.0F / 12);
  out[0] = u[0] * Splat(0.25F) + (sum1 + sum2 * Splat(1.0F / 24));
  out[step] = difference1 + difference2;
  out[2 * step] = sum1 + (sum2 * Splat(1.0F / 6) + u[5]);
}

void TransformWeightGradient(const float* u, int64_t step, int64_t u_row, int64_t rows, int64_t width,
                             const shinsaku::cpu::TapsOf<float>& w, bool accumulate) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < width; c += kLanes) {
      const float* from = u + r * u_row + c;
      Vec half[3 * kWindow];
#pragma GCC unroll 6
      for (int j = 0; j < kWindow; ++j) {
        Vec line[kWindow];
#pragma GCC unroll 6
        for (int i = 0; i < kWindow; ++i) line[i] = Load(from + (i * kWindow + j) * step);
        UnweighLine(line, half + j, kWindow);
      }
      float* to = w.first + r * w.row_step + c;
#pragma GCC unroll 3
      for (int i = 0; i < 3; ++i) {
        Vec line[3];
        UnweighLine(half + i * kWindow, line, 1);
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
          if (w.absent >> (3 * i + j) & 1) continue;
          float* tap = to + i * w.y_step + j * w.x_step;
          Store(tap, accumulate ? Load(tap) + line[j] : line[j]);
        }
      }
    }
  }
}

// One stage of the transposition of a square of vectors: vector_width whose number has the bit `kBit` change
// places.
template <int kBit>
SHINSAKU_INLINE void Exchange(Vec* v) {
  IntVec low, high;
#pragma GCC unroll 16
  for (int l = 0; l < static_cast<int>(kLanes); ++l) {
    low[l] = (l & kBit) ? static_cast<int>(kLanes) + (l ^ kBit) : l;
    high[l] = (l & kBit) ? static_cast<int>(kLanes) + l : (l | kBit);
  }
#pragma GCC unroll 16
  for (int i = 0; i < static_cast<int>(kLanes); ++i) {
    if (i & kBit) continue;
    const Vec a = v[i], b = v[i | kBit];
    v[i] = __builtin_shuffle(a, b, low);
    v[i | kBit] = __builtin_shuffle(a, b, high);
  }
}

void Transpose(const float* from, int64_t from_row, int64_t rows, int64_t columns, float* to,
               int64_t to_row) {
  for (int64_t r = 0; r < rows; r += kLanes)
    for (int64_t c = 0; c < columns; c += kLanes) {
      Vec v[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < static_cast<int>(kLanes); ++i) v[i] = Load(from + (r + i) * from_row + c);
      Exchange<1>(v);
      Exchange<2>(v);
      if constexpr (kLanes > 4) Exchange<4>(v);
      if constexpr (kLanes > 8) Exchange<8>(v);
#pragma GCC unroll 16
      for (int i = 0; i < static_cast<int>(kLanes); ++i) Store(to + (c + i) * to_row + r, v[i]);
    }
}

}  // namespace
