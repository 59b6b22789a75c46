// Winograd's transforms of tiles, F(4x4,3x3) and F(2x2,3x3) of Lavin 2016, and the way back.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::Tiles;

// d <- B^T d, in place, over elements `step` apart.
template <int kTile>
SHINSAKU_INLINE void InputLine(Vec* d, int step) {
  const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  if constexpr (kTile == 2) {
    d[0] = d0 - d2;
    d[step] = d1 + d2;
    d[2 * step] = d2 - d1;
    d[3 * step] = d1 - d3;
  } else {  // points 0, 1, -1, 2, -2, infinity
    const Vec d4 = d[4 * step], d5 = d[5 * step];
    const Vec even1 = d4 - 4.0F * d2, odd1 = d3 - 4.0F * d1;
    const Vec even2 = d4 - d2, odd2 = 2.0F * (d3 - d1);
    d[0] = 4.0F * d0 + (d4 - 5.0F * d2);
    d[step] = even1 + odd1;
    d[2 * step] = even1 - odd1;
    d[3 * step] = even2 + odd2;
    d[4 * step] = even2 - odd2;
    d[5 * step] = 4.0F * d1 + (d5 - 5.0F * d3);
  }
}

// out <- A^T m.
template <int kTile>
SHINSAKU_INLINE void OutputLine(const Vec* m, int step, Vec* out, int out_step) {
  const Vec sum1 = m[step] + m[2 * step], difference1 = m[step] - m[2 * step];
  if constexpr (kTile == 2) {
    out[0] = m[0] + sum1;
    out[out_step] = difference1 - m[3 * step];
  } else {
    const Vec sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    out[0] = m[0] + (sum1 + sum2);
    out[out_step] = difference1 + 2.0F * difference2;
    out[2 * out_step] = sum1 + 4.0F * sum2;
    out[3 * out_step] = m[5 * step] + (difference1 + 8.0F * difference2);
  }
}

struct Corner {
  int64_t image, y, x;  // of a tile's first output pixel
};

template <int kTile>
SHINSAKU_INLINE Corner CornerOf(const Tiles& t, int64_t tile) {
  const int64_t rest = tile % t.tiles_each;
  return {tile / t.tiles_each, rest / t.tiles_x * kTile, rest % t.tiles_x * kTile};
}

template <int kTile>
void GatherTiles(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v) {
  constexpr int kWindow = kTile + 2;
  for (int64_t slot = begin; slot < end; ++slot) {
    const Corner at = CornerOf<kTile>(t, first + slot);
    float* target = v + slot * t.in;
    for (int s = 0; s < t.sources; ++s) {
      const int64_t channels = t.channels[s], row = t.width >> t.shift;
      const float* image = t.source[s] + at.image * (t.height >> t.shift) * row * channels;
      // Where each pixel of the window is; outside the picture it is zero.
      const float* pixel[kWindow * kWindow];
      for (int i = 0; i < kWindow; ++i) {
        const int64_t y = at.y - 1 + i;
        for (int j = 0; j < kWindow; ++j) {
          const int64_t x = at.x - 1 + j;
          const bool inside = y >= 0 && y < t.height && x >= 0 && x < t.width;
          pixel[i * kWindow + j] =
              inside ? image + ((y >> t.shift) * row + (x >> t.shift)) * channels : t.zeros;
        }
      }
      for (int64_t c = 0; c < channels; c += kLanes) {
        Vec d[kWindow * kWindow];
#pragma GCC unroll 6
        for (int j = 0; j < kWindow; ++j) {
#pragma GCC unroll 6
          for (int i = 0; i < kWindow; ++i) d[i * kWindow + j] = Load(pixel[i * kWindow + j] + c);
          InputLine<kTile>(d + j, kWindow);
        }
#pragma GCC unroll 6
        for (int i = 0; i < kWindow; ++i) {
          InputLine<kTile>(d + i * kWindow, 1);
#pragma GCC unroll 6
          for (int j = 0; j < kWindow; ++j)
            Store(target + (i * kWindow + j) * t.in_step + c, d[i * kWindow + j]);
        }
      }
      target += channels;
    }
  }
}

template <int kTile>
void ScatterTiles(const Tiles& t, int64_t first, int64_t begin, int64_t end, const float* m) {
  constexpr int kWindow = kTile + 2;
  for (int64_t slot = begin; slot < end; ++slot) {
    const Corner at = CornerOf<kTile>(t, first + slot);
    const int64_t rows = t.height - at.y < kTile ? t.height - at.y : kTile;
    const int64_t columns = t.width - at.x < kTile ? t.width - at.x : kTile;
    float* corner = t.output + ((at.image * t.height + at.y) * t.width + at.x) * t.out;
    for (int64_t c = 0; c < t.out; c += kLanes) {
      const float* product = m + slot * t.out + c;
      Vec half[kTile * kWindow];
#pragma GCC unroll 6
      for (int j = 0; j < kWindow; ++j) {
        Vec line[kWindow];
#pragma GCC unroll 6
        for (int i = 0; i < kWindow; ++i) line[i] = Load(product + (i * kWindow + j) * t.out_step);
        OutputLine<kTile>(line, 1, half + j, kWindow);
      }
      const Vec bias = Load(t.bias + c);
#pragma GCC unroll 4
      for (int i = 0; i < kTile; ++i) {
        if (i >= rows) break;
        Vec line[kTile];
        OutputLine<kTile>(half + i * kWindow, 1, line, 1);
#pragma GCC unroll 4
        for (int j = 0; j < kTile; ++j) {
          if (j < columns) Store(corner + (i * t.width + j) * t.out + c, line[j] + bias);
        }
      }
    }
  }
}

void Gather(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v) {
  t.tile == 4 ? GatherTiles<4>(t, first, begin, end, v) : GatherTiles<2>(t, first, begin, end, v);
}

void Scatter(const Tiles& t, int64_t first, int64_t begin, int64_t end, const float* m) {
  t.tile == 4 ? ScatterTiles<4>(t, first, begin, end, m) : ScatterTiles<2>(t, first, begin, end, m);
}

}  // namespace
