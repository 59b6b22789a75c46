// The matrix product that everything is made of, with its accumulators in registers.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::Gemm;

constexpr int kPanelVecs = kLanes == 4 ? 4 : 2;
// Accumulators, one panel row and one splat fill the registers: 16 of AVX2, 32 of AVX-512 and of NEON.
constexpr int kTileRows = kLanes == 16 ? 12 : 6;

// `tiles` times kRows rows. What `g` says is held in variables of its own, because for all the compiler knows
// a float that is stored could be part of it. Without the unroll pragmas GCC 12 keeps the accumulators in
// memory, 2.5 times slower.
template <int kRows, int kVecs, bool kAhead>
inline void RunTiles(const Gemm& g, int64_t tiles, const float* a, const float* b_first, int64_t b_row,
                     float* c, const float* bias, const float* ahead) {
  const int64_t row = g.a_row, column = g.a_column, depth = g.depth, segments = g.segments;
  const int64_t segment = g.a_segment, c_row = g.c_row, ahead_step = g.ahead_step;
  const bool accumulate = g.accumulate;
  for (; tiles > 0; --tiles, a += kRows * row, c += kRows * c_row) {
    Vec sum[kRows][kVecs];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) sum[i][v] = Vec{};
    const float* b = b_first;
    for (int64_t s = 0; s < segments; ++s) {
      const float* p = a + s * segment;
      for (int64_t k = 0; k < depth; ++k) {
        if constexpr (kAhead) {
          for (int64_t line = 0; line < kVecs * kLanes; line += 16) __builtin_prefetch(ahead + line, 0, 2);
          ahead += ahead_step;
        }
        Vec right[kVecs];
#pragma GCC unroll 4
        for (int v = 0; v < kVecs; ++v) right[v] = Load(b + v * kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
          const Vec left = Splat(p[i * row]);
#pragma GCC unroll 4
          for (int v = 0; v < kVecs; ++v) sum[i][v] += left * right[v];
        }
        p += column;
        b += b_row;
      }
    }
    if (bias) {
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) {
        const Vec add = Load(bias + v * kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) sum[i][v] += add;
      }
    }
    if (accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < kVecs; ++v) sum[i][v] += Load(c + i * c_row + v * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) Store(c + i * c_row + v * kLanes, sum[i][v]);
  }
}

// One tile of `rows` <= kRows.
template <int kRows, int kVecs, bool kAhead>
inline void RunTile(int64_t rows, const Gemm& g, const float* a, const float* b, int64_t b_row, float* c,
                    const float* bias, const float* ahead) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return RunTiles<kRows, kVecs, kAhead>(g, 1, a, b, b_row, c, bias, ahead);
    return RunTile<kRows - 1, kVecs, kAhead>(rows, g, a, b, b_row, c, bias, ahead);
  }
}

template <int kVecs>
inline void Panel(const Gemm& g, const float* b, int64_t b_row, float* c, const float* bias,
                  const float* ahead) {
  const bool even = g.rows % kTileRows == 0;
  int64_t full = g.rows / kTileRows - (!even && g.rows > kTileRows ? 1 : 0);
  if (even && ahead) --full;  // the last one fetches
  RunTiles<kTileRows, kVecs, false>(g, full, g.a, b, b_row, c, bias, nullptr);
  int64_t r = full * kTileRows, left = g.rows - r;
  const auto tile = [&]<bool kAhead>(int64_t rows) {
    RunTile<kTileRows, kVecs, kAhead>(rows, g, g.a + r * g.a_row, b, b_row, c + r * g.c_row, bias, ahead);
    r += rows;
    left -= rows;
  };
  // Two tiles share what is left of them, because small ones keep the arithmetic units waiting.
  if (left > kTileRows) tile.template operator()<false>((left + 1) / 2);
  if (left == 0) return;
  ahead ? tile.template operator()<true>(left) : tile.template operator()<false>(left);
}

// The last panel of `vectors` < kPanelVecs.
template <int kVecs>
inline void NarrowPanel(int64_t vectors, const Gemm& g, const float* b, int64_t b_row, float* c,
                        const float* bias, const float* ahead) {
  if constexpr (kVecs > 1) {
    if (vectors < kVecs) return NarrowPanel<kVecs - 1>(vectors, g, b, b_row, c, bias, ahead);
  }
  Panel<kVecs>(g, b, b_row, c, bias, ahead);
}

void Multiply(const Gemm& g) {
  constexpr int64_t kPanel = kPanelVecs * kLanes;
  const int64_t depth = g.segments * g.depth;
  for (int64_t n = 0; n < g.columns; n += kPanel) {
    const int64_t width = g.columns - n < kPanel ? g.columns - n : kPanel;
    const float* b = g.b + (g.b_row == 0 ? n * depth : n);
    const int64_t b_row = g.b_row == 0 ? width : g.b_row;
    const float* bias = g.bias ? g.bias + n : nullptr;
    const float* ahead = g.ahead ? g.ahead + n * depth : nullptr;
    if (width == kPanel) {
      Panel<kPanelVecs>(g, b, b_row, g.c + n, bias, ahead);
    } else {
      NarrowPanel<kPanelVecs - 1>(width / kLanes, g, b, b_row, g.c + n, bias, ahead);
    }
  }
}

}  // namespace
