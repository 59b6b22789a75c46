// Winograd's transforms for F(4x4, 3x3) of Lavin 2016: of weights, of tiles, and of what is put out.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::Taps;
using shinsaku::cpu::Tiles;

constexpr int kTile = 4, kWindow = 6;  // output and input pixels along one side

// d <- B^T d, in place, over elements `step` apart; points 0, 1, -1, 2, -2, infinity.
SHINSAKU_INLINE void InputLine(Vec* d, int step) {
  const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const Vec even1 = d4 - 4.0F * d2, odd1 = d3 - 4.0F * d1;
  const Vec even2 = d4 - d2, odd2 = 2.0F * (d3 - d1);
  d[0] = 4.0F * d0 + (d4 - 5.0F * d2);
  d[step] = even1 + odd1;
  d[2 * step] = even1 - odd1;
  d[3 * step] = even2 + odd2;
  d[4 * step] = even2 - odd2;
  d[5 * step] = 4.0F * d1 + (d5 - 5.0F * d3);
}

// out <- A^T m.
SHINSAKU_INLINE void OutputLine(const Vec* m, Vec* out, int out_step) {
  const Vec sum1 = m[1] + m[2], difference1 = m[1] - m[2];
  const Vec sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  out[0] = m[0] + (sum1 + sum2);
  out[out_step] = difference1 + 2.0F * difference2;
  out[2 * out_step] = sum1 + 4.0F * sum2;
  out[3 * out_step] = m[5] + (difference1 + 8.0F * difference2);
}

// The same, with pairs of its elements added up. m[2] is left out of both.
SHINSAKU_INLINE void HalfOutputLine(const Vec* m, Vec* out, int out_step) {
  out[0] = m[0] + 2.0F * m[1] + (3.0F * m[3] - m[4]);
  out[out_step] = m[5] + 2.0F * m[1] + 4.0F * (3.0F * m[3] - m[4]);
}

// out <- G g, elements `step` apart.
SHINSAKU_INLINE void WeightLine(Vec g0, Vec g1, Vec g2, Vec* out, int step) {
  const Vec outer = (g0 + g2) * Splat(-1.0F / 6), inner = g1 * Splat(1.0F / 6);
  const Vec even = g0 * Splat(1.0F / 24) + g2 * Splat(1.0F / 6), odd = g1 * Splat(1.0F / 12);
  out[0] = g0 * Splat(0.25F);
  out[step] = outer - inner;
  out[2 * step] = outer + inner;
  out[3 * step] = even + odd;
  out[4 * step] = even - odd;
  out[5 * step] = g2;
}

// Without it GCC holds each of 36 sums of a pointer and steps ready in memory, and reads it from there.
SHINSAKU_INLINE void Forget(float*& sum) { asm("" : "+r"(sum)); }

void TransformWeights(const Taps& w, int64_t rows, int64_t width, float* u, int64_t step) {
  const auto tap = [&](const float* g, int y, int x) {
    return (w.absent >> (3 * y + x) & 1) ? Vec{} : Load(g + y * w.y_step + x * w.x_step);
  };
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < width; c += kLanes) {
      const float* g = w.first + r * w.row_step + c;
      float* to = u + r * width + c;
      Vec half[kWindow * 3];
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) WeightLine(tap(g, 0, j), tap(g, 1, j), tap(g, 2, j), half + j, 3);
#pragma GCC unroll 6
      for (int i = 0; i < kWindow; ++i) {
        Vec line[kWindow];
        WeightLine(half[i * 3], half[i * 3 + 1], half[i * 3 + 2], line, 1);
        Forget(to);
#pragma GCC unroll 6
        for (int j = 0; j < kWindow; ++j) Store(to + j * step, line[j]);
        to += kWindow * step;
      }
    }
  }
}

struct Corner {
  int64_t image, y, x;  // of a tile's first output pixel
};

SHINSAKU_INLINE Corner CornerOf(const Tiles& t, int64_t tile) {
  const int64_t rest = tile % t.tiles_each;
  return {tile / t.tiles_each, rest / t.tiles_x * kTile, rest % t.tiles_x * kTile};
}

// One source of a picture, of half the size or spread over a larger map as it may be.
class Plane {
 public:
  Plane(const Tiles& t, int source, int64_t image)
      : shift_(t.shift),
        pixel_(t.spread * t.channels[source]),
        line_(t.spread * (t.width >> t.shift) * pixel_) {
    first_ = t.source[source] + image * (t.height >> t.shift) * line_;
  }
  const float* at(int64_t y, int64_t x) const {
    return first_ + (y >> shift_) * line_ + (x >> shift_) * pixel_;
  }

 private:
  int shift_;
  int64_t pixel_, line_;  // floats
  const float* first_;
};

void TransformInput(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v) {
  for (int64_t slot = begin; slot < end; ++slot) {
    const Corner at = CornerOf(t, first + slot);
    float* target = v + slot * t.in_row;
    for (int s = 0; s < t.sources; ++s) {
      // Copies, because for all the compiler knows a float that is stored could be part of `t`.
      const int64_t channels = t.channels[s], step = t.in_step;
      const Plane plane(t, s, at.image);
      // Where each pixel of the window is; outside the picture it is zero.
      const float* pixel[kWindow * kWindow];
      for (int i = 0; i < kWindow; ++i) {
        const int64_t y = at.y - 1 + i;
        for (int j = 0; j < kWindow; ++j) {
          const int64_t x = at.x - 1 + j;
          const bool inside = y >= 0 && y < t.height && x >= 0 && x < t.width;
          pixel[i * kWindow + j] = inside ? plane.at(y, x) : t.zeros;
        }
      }
      for (int64_t c = 0; c < channels; c += kLanes) {
        float* to = target + c;
        Vec d[kWindow * kWindow];
#pragma GCC unroll 6
        for (int j = 0; j < kWindow; ++j) {
#pragma GCC unroll 6
          for (int i = 0; i < kWindow; ++i) d[i * kWindow + j] = Load(pixel[i * kWindow + j] + c);
          InputLine(d + j, kWindow);
        }
#pragma GCC unroll 6
        for (int i = 0; i < kWindow; ++i) {
          InputLine(d + i * kWindow, 1);
          Forget(to);
#pragma GCC unroll 6
          for (int j = 0; j < kWindow; ++j) Store(to + j * step, d[i * kWindow + j]);
          to += kWindow * step;
        }
      }
      target += channels;
    }
  }
}

// Of the channels from `product` on, where frequencies are `step` floats apart, into the map from `corner`
// on, where pixels are `pixel` floats apart and lines `line`. A tile has kSide x kSide pixels there.
template <int kSide>
SHINSAKU_INLINE void ScatterTile(const float* product, int64_t step, const Vec& bias, float* corner,
                                 int64_t pixel, int64_t line, int64_t rows, int64_t columns) {
  const auto output_line = [](const Vec* m, Vec* out, int out_step) {
    if constexpr (kSide == kTile) {
      OutputLine(m, out, out_step);
    } else {
      HalfOutputLine(m, out, out_step);
    }
  };
  Vec half[kSide * kWindow];
#pragma GCC unroll 6
  for (int j = 0; j < kWindow; ++j) {
    const float* from = product + j * step;
    Vec column[kWindow];
#pragma GCC unroll 6
    for (int i = 0; i < kWindow; ++i, from += kWindow * step) column[i] = Load(from);
    output_line(column, half + j, kWindow);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kSide; ++i) {
    if (i >= rows) break;
    Vec row[kSide];
    output_line(half + i * kWindow, row, 1);
#pragma GCC unroll 4
    for (int j = 0; j < kSide; ++j) {
      if (j < columns) Store(corner + i * line + j * pixel, row[j] + bias);
    }
  }
}

template <int kSide>
SHINSAKU_INLINE void ScatterEach(const Tiles& t, int64_t first, int64_t begin, int64_t end, const float* m) {
  const int64_t spread = t.out_spread, channels = t.out / (spread * spread);
  // The map's size without phases, and floats from a pixel to the next and to the one below.
  const int64_t height = t.height >> t.out_shift, width = t.width >> t.out_shift;
  const int64_t pixel = spread * channels, line = spread * width * channels, step = t.out_step;
  const float* bias = t.bias;
  for (int64_t slot = begin; slot < end; ++slot) {
    const Corner at = CornerOf(t, first + slot);
    const int64_t top = at.y >> t.out_shift, left = at.x >> t.out_shift;
    const int64_t rows = height - top < kSide ? height - top : kSide;
    const int64_t columns = width - left < kSide ? width - left : kSide;
    const float* product = m + slot * t.out;
    for (int64_t phase = 0; phase < spread * spread; ++phase) {
      const int64_t y = (at.image * height + top) * spread + phase / spread;
      float* corner = t.output + y * line + left * pixel + phase % spread * channels;
      for (int64_t c = 0; c < channels; c += kLanes, product += kLanes)
        ScatterTile<kSide>(product, step, Load(bias + c), corner + c, pixel, spread * line, rows, columns);
    }
  }
}

void TransformOutput(const Tiles& t, int64_t first, int64_t begin, int64_t end, const float* m) {
  return t.out_shift ? ScatterEach<kTile / 2>(t, first, begin, end, m)
                     : ScatterEach<kTile>(t, first, begin, end, m);
}

}  // namespace
