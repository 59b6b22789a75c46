// Passes over rows: norms with what follows them, statistics of columns, softmax.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::NormRows;
using shinsaku::cpu::Scaling;

// x * scale + shift is the normalised row.
struct RowScale {
  Vec scale, shift;
};

SHINSAKU_INLINE Vec SumOfSquares(const float* x, int64_t width, Vec centre) {
  Vec even = {}, odd = {};
  int64_t c = 0;
  for (; c + 2 * kLanes <= width; c += 2 * kLanes) {
    const Vec a = Load(x + c) - centre, b = Load(x + c + kLanes) - centre;
    even += a * a;
    odd += b * b;
  }
  if (c < width) {
    const Vec a = Load(x + c) - centre;
    even += a * a;
  }
  return Sum(even + odd);
}

template <Scaling kScaling>
SHINSAKU_INLINE RowScale ScaleOf(const float* x, const NormRows& n) {
  if constexpr (kScaling == Scaling::kRms) {
    const float length = __builtin_sqrtf(SumOfSquares(x, n.width, Vec{})[0]);
    return {Splat(1.0F / (length > 1e-12F ? length : 1e-12F)), Vec{}};
  } else {
    Vec total = {};
    for (int64_t c = 0; c < n.width; c += kLanes) total += Load(x + c);
    const float mean = Sum(total)[0] / static_cast<float>(n.channels);
    // Each channel of padding adds mean^2.
    const float squares =
        SumOfSquares(x, n.width, Splat(mean))[0] - static_cast<float>(n.width - n.channels) * mean * mean;
    const float scale = 1.0F / __builtin_sqrtf(squares / static_cast<float>(n.channels) + 1e-5F);
    return {Splat(scale), Splat(-mean * scale)};
  }
}

// `n` is a copy, because for all the compiler knows a float that is stored could be part of the caller's.
template <Scaling kScaling, bool kSilu>
void NormEach(const NormRows n) {
  for (int64_t r = 0; r < n.rows; ++r) {
    const float* x = n.x + r * n.width;
    float* y = n.y + r * n.width;
    RowScale by{};
    if constexpr (kScaling != Scaling::kFixed) by = ScaleOf<kScaling>(x, n);
    for (int64_t c = 0; c < n.width; c += kLanes) {
      Vec t = Load(x + c);
      if constexpr (kScaling == Scaling::kRms) t = t * by.scale;
      if constexpr (kScaling == Scaling::kLayer) t = t * by.scale + by.shift;
      t = t * Load(n.factor + c) + Load(n.offset + c);
      if constexpr (kSilu) {
        t = Silu(t);
      } else if (n.relu) {
        t = Max(t, Vec{});
      }
      if (n.residual) t += Load(n.residual + r * n.width + c);
      Store(y + c, t);
    }
  }
}

void Norm(const NormRows& n) {
  switch (n.scaling) {
    case Scaling::kFixed:
      return n.silu ? NormEach<Scaling::kFixed, true>(n) : NormEach<Scaling::kFixed, false>(n);
    case Scaling::kRms:
      return n.silu ? NormEach<Scaling::kRms, true>(n) : NormEach<Scaling::kRms, false>(n);
    case Scaling::kLayer:
      return n.silu ? NormEach<Scaling::kLayer, true>(n) : NormEach<Scaling::kLayer, false>(n);
  }
}

void Moments(const float* x, int64_t rows, int64_t width, float* sum, float* squares) {
  for (int64_t c = 0; c < width; c += kLanes) {
    Vec total = {}, square = {};
    for (int64_t r = 0; r < rows; ++r) total += Load(x + r * width + c);
    const Vec mean = total * Splat(1.0F / static_cast<float>(rows));
    for (int64_t r = 0; r < rows; ++r) {
      const Vec d = Load(x + r * width + c) - mean;
      square += d * d;
    }
    Store(sum + c, total);
    Store(squares + c, square);
  }
}

void ColumnMax(const float* x, int64_t rows, int64_t row, int64_t width, float* peak) {
  for (int64_t c = 0; c < width; c += kLanes) {
    Vec top = Load(x + c);
    for (int64_t r = 1; r < rows; ++r) top = Max(top, Load(x + r * row + c));
    Store(peak + c, top);
  }
}

void ExpColumnSum(float* x, int64_t rows, int64_t row, int64_t width, const float* peak, float* sum) {
  for (int64_t c = 0; c < width; c += kLanes) {
    const Vec top = Load(peak + c);
    Vec total = {};
    for (int64_t r = 0; r < rows; ++r) {
      const Vec e = Exp(Load(x + r * row + c) - top);
      Store(x + r * row + c, e);
      total += e;
    }
    Store(sum + c, total);
  }
}

void Softmax(float* x, int64_t rows, int64_t row, int64_t width, int64_t group, float scale) {
  for (int64_t r = 0; r < rows; ++r) {
    for (float* g = x + r * row; g < x + r * row + width; g += group) {
      Vec top = Load(g);
      for (int64_t c = kLanes; c < group; c += kLanes) top = Max(top, Load(g + c));
      const Vec peak = Largest(top);
      Vec total = {};
      for (int64_t c = 0; c < group; c += kLanes) {
        const Vec e = Exp(Load(g + c) - peak);
        Store(g + c, e);
        total += e;
      }
      const Vec factor = Splat(scale) / Sum(total);
      for (int64_t c = 0; c < group; c += kLanes) Store(g + c, Load(g + c) * factor);
    }
  }
}

}  // namespace
