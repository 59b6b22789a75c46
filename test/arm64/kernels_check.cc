// Compares the NEON kernels with their definitions in double, one JSON line each; needs no libtorch, so that it is
// compiled and emulated in seconds. ops_check compares every operation that is made of them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <vector>

#include "core/ops/cpu/kernels.h"

namespace {

using namespace shinsaku::cpu;
using Floats = std::vector<float>;
using Doubles = std::vector<double>;

const Kernels& k = *NeonKernels();

Floats Numbers(int64_t count) {
  static uint32_t state = 1;
  Floats all(static_cast<size_t>(count));
  for (float& x : all) {
    state = state * 1664525U + 1013904223U;
    x = static_cast<float>(state >> 8) / (1 << 23) - 1.0F;
  }
  return all;
}

// The largest difference beside the largest value.
void Report(const char* name, const Floats& got, const Doubles& want) {
  double difference = 0, most = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double d = std::abs(got[i] - want[i]);
    difference = d <= difference ? difference : d;
    most = std::max(most, std::abs(want[i]));
  }
  std::printf("{\"name\":\"%s\",\"error\":%.3e}\n", name, difference / most);
}

void CheckGemm(int64_t rows, int64_t columns, int64_t depth, bool packed, const char* name) {
  const Floats a = Numbers(rows * depth), b = Numbers(depth * columns), bias = Numbers(columns);
  Floats c = Numbers(rows * columns), panels;
  Doubles want(c.begin(), c.end());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t n = 0; n < columns; ++n) {
      want[r * columns + n] += bias[n];
      for (int64_t d = 0; d < depth; ++d)
        want[r * columns + n] += static_cast<double>(a[r * depth + d]) * b[d * columns + n];
    }
  for (int64_t n = 0; n < columns; n += k.panel)
    for (int64_t d = 0; d < depth; ++d)
      for (int64_t i = n; i < std::min(n + k.panel, columns); ++i) panels.push_back(b[d * columns + i]);
  Gemm g;
  g.a = a.data();
  g.a_row = g.depth = depth;
  g.b = packed ? panels.data() : b.data();
  g.b_row = packed ? 0 : columns;
  g.c = c.data();
  g.c_row = g.columns = columns;
  g.rows = rows;
  g.bias = bias.data();
  g.accumulate = true;
  g.ahead = packed ? panels.data() : nullptr;
  g.ahead_step = std::min(k.panel, columns);
  k.gemm(g);
  Report(name, c, want);
}

// A 3x3 convolution with zeros around, whose last tiles reach beyond the picture.
void CheckWinograd() {
  constexpr int64_t kSide = 6, kIn = 8, kOut = 12, kTiles = 4;
  const Floats x = Numbers(kSide * kSide * kIn), w = Numbers(9 * kIn * kOut), bias = Numbers(kOut), zeros(kIn);
  Doubles want(kSide * kSide * kOut);
  for (int64_t i = 0; i < kSide * kSide * kOut; ++i) {
    const int64_t y = i / kOut / kSide, left = i / kOut % kSide, o = i % kOut;
    want[i] = bias[o];
    for (int64_t tap = 0; tap < 9; ++tap) {
      const int64_t v = y + tap / 3 - 1, u = left + tap % 3 - 1;
      if (v < 0 || u < 0 || v >= kSide || u >= kSide) continue;
      for (int64_t c = 0; c < kIn; ++c)
        want[i] += static_cast<double>(x[(v * kSide + u) * kIn + c]) * w[(tap * kIn + c) * kOut + o];
    }
  }
  Tiles t;
  t.source[0] = x.data();
  t.channels[0] = t.in = t.in_row = kIn;
  t.height = t.width = kSide;
  t.tiles_x = 2;
  t.tiles_each = kTiles;
  t.out = kOut;
  t.in_step = kTiles * kIn;
  t.out_step = kTiles * kOut;
  t.zeros = zeros.data();
  t.bias = bias.data();
  Floats out(kSide * kSide * kOut), v(kFrequencies * t.in_step), m(kFrequencies * t.out_step);
  Floats u(kFrequencies * kIn * kOut);
  t.output = out.data();
  Taps taps;
  taps.first = w.data();
  taps.row_step = kOut;
  taps.x_step = kIn * kOut;
  taps.y_step = 3 * kIn * kOut;
  k.transform_weights(taps, kIn, kOut, u.data(), kIn * kOut);
  k.transform_input(t, 0, 0, kTiles, v.data());
  for (int64_t f = 0; f < kFrequencies; ++f) {
    Gemm g;
    g.a = v.data() + f * t.in_step;
    g.a_row = g.depth = kIn;
    g.b = u.data() + f * kIn * kOut;
    g.b_row = g.c_row = g.columns = kOut;
    g.c = m.data() + f * t.out_step;
    g.rows = kTiles;
    k.gemm(g);
  }
  k.transform_output(t, 0, 0, kTiles, m.data());
  Report("3x3 convolution by Winograd", out, want);
}

double Silu(double x) { return x / (1 + std::exp(-x)); }

void CheckNorm() {
  constexpr int64_t kRows = 5, kChannels = 10, kWidth = 12;
  Floats x = Numbers(kRows * kWidth), y(x.size()), factor = Numbers(kWidth), offset = Numbers(kWidth);
  for (int64_t c = kChannels; c < kWidth; ++c) {
    factor[c] = offset[c] = 0;
    for (int64_t r = 0; r < kRows; ++r) x[r * kWidth + c] = 0;
  }
  Doubles want(x.size());
  for (int64_t r = 0; r < kRows; ++r) {
    double mean = 0, square = 0;
    for (int64_t c = 0; c < kChannels; ++c) mean += x[r * kWidth + c] / static_cast<double>(kChannels);
    for (int64_t c = 0; c < kChannels; ++c) square += std::pow(x[r * kWidth + c] - mean, 2) / kChannels;
    for (int64_t c = 0; c < kChannels; ++c)
      want[r * kWidth + c] = Silu((x[r * kWidth + c] - mean) / std::sqrt(square + 1e-5) * factor[c] + offset[c]);
  }
  NormRows n;
  n.scaling = Scaling::kLayer;
  n.silu = true;
  n.x = x.data();
  n.y = y.data();
  n.rows = kRows;
  n.channels = kChannels;
  n.width = kWidth;
  n.factor = factor.data();
  n.offset = offset.data();
  k.norm(n);
  Report("layer norm and SiLU", y, want);
}

void CheckSoftmax() {
  constexpr int64_t kRows = 3, kGroup = 8, kWidth = 16;
  Floats x = Numbers(kRows * kWidth);
  for (float& value : x) value *= 20;
  Doubles want(x.size());
  for (size_t first = 0; first < x.size(); first += kGroup) {
    double sum = 0;
    const float peak = *std::max_element(&x[first], &x[first] + kGroup);
    for (size_t i = first; i < first + kGroup; ++i) sum += want[i] = std::exp(static_cast<double>(x[i]) - peak);
    for (size_t i = first; i < first + kGroup; ++i) want[i] *= 0.5 / sum;
  }
  k.softmax(x.data(), kRows, kWidth, kWidth, kGroup, 0.5F);
  Report("softmax", x, want);
}

void CheckTranspose() {
  constexpr int64_t kRows = 8, kColumns = 12;
  const Floats from = Numbers(kRows * kColumns);
  Floats to(from.size());
  Doubles want(from.size());
  for (int64_t i = 0; i < kRows * kColumns; ++i) want[i % kColumns * kRows + i / kColumns] = from[i];
  k.transpose(from.data(), kColumns, kRows, kColumns, to.data(), kRows);
  Report("transpose", to, want);
}

void CheckAdam() {
  constexpr int64_t kCount = 23;
  Floats p = Numbers(kCount), m = Numbers(kCount), v = Numbers(kCount);
  const Floats g = Numbers(kCount);
  for (float& x : v) x = std::abs(x);
  Doubles want(kCount);
  for (int64_t i = 0; i < kCount; ++i) {
    const double mean = m[i] + (static_cast<double>(g[i]) - m[i]) * 0.1;
    const double square = v[i] * 0.99 + static_cast<double>(g[i]) * g[i] * 0.01;
    want[i] = p[i] - 0.01 * mean / (std::sqrt(square) * 2 + 1e-8);
  }
  AdamRun a;
  a.p = p.data();
  a.g = g.data();
  a.m = m.data();
  a.v = v.data();
  a.count = kCount;
  a.take1 = 0.1F;
  a.beta2 = 0.99F;
  a.take2 = 0.01F;
  a.rate = 0.01F;
  a.widen = 2;
  a.eps = 1e-8F;
  k.adam(a);
  Report("Adam", p, want);
}

void CheckSums() {
  constexpr int64_t kRows = 7, kWidth = 12;
  const Floats x = Numbers(kRows * kWidth);
  Floats sum(kWidth), squares(kWidth), peak(kWidth);
  Doubles sums(kWidth), spread(kWidth), most(kWidth, -2);
  double all = 0;
  for (int64_t i = 0; i < kRows * kWidth; ++i) {
    sums[i % kWidth] += x[i];
    most[i % kWidth] = std::max<double>(most[i % kWidth], x[i]);
    all += static_cast<double>(x[i]) * x[i];
  }
  for (int64_t i = 0; i < kRows * kWidth; ++i) spread[i % kWidth] += std::pow(x[i] - sums[i % kWidth] / kRows, 2);
  k.moments(x.data(), kRows, kWidth, sum.data(), squares.data());
  k.column_max(x.data(), kRows, kWidth, kWidth, peak.data());
  Report("sums of columns", sum, sums);
  Report("squares of columns", squares, spread);
  Report("largest of columns", peak, most);
  Report("sum of squares", {static_cast<float>(k.squares(x.data(), kRows * kWidth))}, {all});
}

}  // namespace

int main() {
  // Whole panels, a narrow last one of each width, and rows that are no whole tile.
  CheckGemm(12, 32, 9, true, "product, whole tiles");
  CheckGemm(7, 20, 5, true, "product, a panel of one vector");
  CheckGemm(13, 24, 5, true, "product, a panel of two");
  CheckGemm(3, 28, 5, false, "product, a panel of three");
  CheckWinograd();
  CheckNorm();
  CheckSoftmax();
  CheckTranspose();
  CheckAdam();
  CheckSums();
}
