// The matrix product that everything is made of, with its accumulators in registers.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::Gemm;

constexpr int kPanelVecs = 2;
// Accumulators, one panel row and one splat fill the registers: 16 of AVX2, 32 of AVX-512.
constexpr int kTileRows = kLanes == 16 ? 12 : 6;

// Without the unroll pragmas GCC 12 keeps the accumulators in memory, 2.5 times slower.
template <int kRows, int kVecs, bool kAhead>
inline void Tile(const Gemm& g, const float* a, const float* b, int64_t b_row, float* c, const float* bias,
                 const float* ahead) {
  Vec sum[kRows][kVecs];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) sum[i][v] = Vec{};
  const int64_t row = g.a_row, column = g.a_column;
  for (int64_t s = 0; s < g.segments; ++s) {
    const float* p = a + s * g.a_segment;
    for (int64_t k = 0; k < g.depth; ++k) {
      if constexpr (kAhead) {
        for (int64_t line = 0; line < kVecs * kLanes; line += 16) __builtin_prefetch(ahead + line, 0, 2);
        ahead += g.ahead_step;
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
  const int64_t c_row = g.c_row;
  if (bias) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) {
      const Vec add = Load(bias + v * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) sum[i][v] += add;
    }
  }
  if (g.accumulate) {
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

template <int kRows, int kVecs, bool kAhead>
inline void TileOf(int64_t rows, const Gemm& g, const float* a, const float* b, int64_t b_row, float* c,
                   const float* bias, const float* ahead) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return Tile<kRows, kVecs, kAhead>(g, a, b, b_row, c, bias, ahead);
    return TileOf<kRows - 1, kVecs, kAhead>(rows, g, a, b, b_row, c, bias, ahead);
  }
}

template <int kVecs>
inline void Panel(const Gemm& g, const float* b, int64_t b_row, float* c, const float* bias,
                  const float* ahead) {
  int64_t r = 0, left = g.rows;
  while (left > 0) {
    // The last two share what is left, because small tiles keep the arithmetic units waiting.
    const bool two = left > kTileRows && left < 2 * kTileRows;
    const int64_t rows = two ? (left + 1) / 2 : left < kTileRows ? left : kTileRows;
    left -= rows;
    const float* from = g.a + r * g.a_row;
    float* to = c + r * g.c_row;
    if (ahead && left == 0) {
      TileOf<kTileRows, kVecs, true>(rows, g, from, b, b_row, to, bias, ahead);
    } else {
      TileOf<kTileRows, kVecs, false>(rows, g, from, b, b_row, to, bias, nullptr);
    }
    r += rows;
  }
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
      Panel<1>(g, b, b_row, g.c + n, bias, ahead);
    }
  }
}

}  // namespace
