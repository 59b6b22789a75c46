// Passes over rows that go back: norms, softmax, sums of columns.
#pragma once

#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/kernels/rows.h"
#include "core/ops/cpu/kernels/vec.h"

namespace {

using shinsaku::cpu::NormBack;

// d silu(u)/du = s + u s (1 - s), s the sigmoid.
SHINSAKU_INLINE Vec SiluSlope(Vec u) {
  const Vec s = Splat(1.0F) / (SignedExp<-1>(u) + Splat(1.0F));
  return s + u * s * (Splat(1.0F) - s);
}

template <Scaling kScaling, bool kSilu>
void NormBackEach(const NormBack& n) {
  NormRows as{};
  as.width = as.channels = n.width;
  float* sum = n.sums;
  float* moment = n.sums + n.width;
  for (int64_t r = 0; r < n.rows; ++r) {
    const float* x = n.x + r * n.width;
    const float* dy = n.dy + r * n.width;
    float* dx = n.dx + r * n.width;
    RowScale by{};
    if constexpr (kScaling != Scaling::kFixed) by = ScaleOf<kScaling>(x, as);
    const auto normal = [&](int64_t c) {
      if constexpr (kScaling == Scaling::kFixed)
        return (Load(x + c) - Load(n.centre + c)) * Load(n.scale + c);
      if constexpr (kScaling == Scaling::kRms) return Load(x + c) * by.scale;
      return Load(x + c) * by.scale + by.shift;
    };
    Vec straight = {}, along = {};
    for (int64_t c = 0; c < n.width; c += kLanes) {
      const Vec hat = normal(c), factor = Load(n.factor + c);
      Vec d = Load(dy + c);
      if constexpr (kSilu) d *= SiluSlope(hat * factor + Load(n.offset + c));
      Store(sum + c, Load(sum + c) + d);
      Store(moment + c, Load(moment + c) + d * hat);
      if constexpr (kScaling == Scaling::kFixed) {
        Store(dx + c, d);
      } else {
        const Vec e = d * factor;
        if constexpr (kScaling == Scaling::kLayer) straight += e;
        along += e * hat;
        Store(dx + c, e);
      }
    }
    if constexpr (kScaling != Scaling::kFixed) {
      // The mean over channels for kLayer; for kRms |xhat| is 1, so the sum is what points along it.
      const Vec share = Splat(kScaling == Scaling::kRms ? 1.0F : 1.0F / static_cast<float>(n.width));
      const Vec mean = Sum(straight) * share, dot = Sum(along) * share;
      for (int64_t c = 0; c < n.width; c += kLanes)
        Store(dx + c, (Load(dx + c) - mean - normal(c) * dot) * by.scale);
    }
  }
}

void NormBackward(const NormBack& n) {
  switch (n.scaling) {
    case Scaling::kFixed:
      return n.silu ? NormBackEach<Scaling::kFixed, true>(n) : NormBackEach<Scaling::kFixed, false>(n);
    case Scaling::kRms:
      return n.silu ? NormBackEach<Scaling::kRms, true>(n) : NormBackEach<Scaling::kRms, false>(n);
    case Scaling::kLayer:
      return n.silu ? NormBackEach<Scaling::kLayer, true>(n) : NormBackEach<Scaling::kLayer, false>(n);
  }
}

void ScaleAdd(const float* x, float* y, int64_t rows, int64_t width, const float* a, const float* b,
              const float* c) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; i += kLanes)
      Store(y + r * width + i,
            Load(y + r * width + i) * Load(a + i) + (Load(x + r * width + i) * Load(b + i) + Load(c + i)));
}

void SoftmaxBack(const float* y, float* dy, int64_t rows, int64_t row, int64_t width, int64_t group,
                 float scale) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t first = r * row; first < r * row + width; first += group) {
      Vec total = {};
      for (int64_t c = first; c < first + group; c += kLanes) total += Load(y + c) * Load(dy + c);
      const Vec share = Sum(total) / Splat(scale);
      for (int64_t c = first; c < first + group; c += kLanes)
        Store(dy + c, Load(y + c) * (Load(dy + c) - share));
    }
}

void ExpColumnSumBackward(const float* y, float* dy, int64_t rows, int64_t row, int64_t width,
                          const float* share) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < width; c += kLanes) {
      float* to = dy + r * row + c;
      Store(to, Load(y + r * row + c) * (Load(to) - Load(share + c)));
    }
}

void ColumnSum(const float* x, int64_t rows, int64_t width, float* sum) {
  for (int64_t c = 0; c < width; c += kLanes) {
    Vec total = {};
    for (int64_t r = 0; r < rows; ++r) total += Load(x + r * width + c);
    Store(sum + c, Load(sum + c) + total);
  }
}

}  // namespace
