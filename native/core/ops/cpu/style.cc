// Kernels of style networks: resampling by a filter, and what follows a convolution. Bound by memory, so
// plain loops over channels, which the compiler makes vector instructions of.
#include "core/ops/cpu/style.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace shinsaku::cpu {
namespace {

constexpr int64_t kTaps = 4;
constexpr float kSlope = 0.2F;

// Which pixels of an axis an output reads, and their weights.
struct Reads {
  int64_t count = 0;
  std::array<int64_t, kTaps> at;
  std::array<float, kTaps> weight;
};

std::vector<Reads> ReadsOf(const std::array<float, 4>& taps, const Resampling& how, int64_t side,
                           int64_t out) {
  std::vector<Reads> reads(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o) {
    Reads& own = reads[static_cast<size_t>(o)];
    for (int64_t k = 0; k < kTaps; ++k) {
      const int64_t place = o * how.down + k - how.before;
      if (place < 0 || place % how.up != 0 || place / how.up >= side) continue;
      own.at[static_cast<size_t>(own.count)] = place / how.up;
      own.weight[static_cast<size_t>(own.count++)] = taps[static_cast<size_t>(k)];
    }
  }
  return reads;
}

// to = sum of weights times rows that lie `step` floats apart from `from` on.
void Weighed(const Reads& reads, const float* from, int64_t step, float* to, int64_t length) {
  if (reads.count == 0) return std::fill_n(to, length, 0.0F), void();
  for (int64_t k = 0; k < reads.count; ++k) {
    const float* row = from + reads.at[static_cast<size_t>(k)] * step;
    const float weight = reads.weight[static_cast<size_t>(k)];
    if (k == 0) {
      for (int64_t i = 0; i < length; ++i) to[i] = weight * row[i];
    } else {
      for (int64_t i = 0; i < length; ++i) to[i] += weight * row[i];
    }
  }
}

}  // namespace

Resampling Resampling::Transposed() const {
  const auto flipped = [](const std::array<float, 4>& taps) {
    return std::array<float, 4>{taps[3], taps[2], taps[1], taps[0]};
  };
  return {flipped(rows), flipped(columns), down, up, kTaps - 1 - before};
}

std::optional<Resampling> ResamplingOf(const at::Tensor& filter, int64_t up, int64_t down, int64_t before) {
  if (filter.sizes() != at::IntArrayRef({kTaps, kTaps}) || filter.scalar_type() != at::kFloat) return {};
  const at::Tensor whole = filter.contiguous();
  const float* f = whole.const_data_ptr<float>();
  Resampling how{{}, {}, up, down, before};
  float total = 0;
  for (size_t i = 0; i < kTaps; ++i)
    for (size_t j = 0; j < kTaps; ++j) {
      how.rows[i] += f[i * kTaps + j];
      how.columns[j] += f[i * kTaps + j];
      total += f[i * kTaps + j];
    }
  if (total == 0) return {};
  for (float& tap : how.columns) tap /= total;
  for (size_t i = 0; i < kTaps; ++i)
    for (size_t j = 0; j < kTaps; ++j)
      if (std::abs(how.rows[i] * how.columns[j] - f[i * kTaps + j]) > 1e-6F * std::abs(total)) return {};
  return how;
}

void Resample(const Pixels<const float>& x, const Resampling& how, const Pixels<float>& y) {
  const std::vector<Reads> rows = ReadsOf(how.rows, how, x.height, y.height),
                           columns = ReadsOf(how.columns, how, x.width, y.width);
  at::parallel_for(0, y.count * y.height, 8, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(x.width * x.step));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / y.height, at = i % y.height;
      Weighed(rows[static_cast<size_t>(at)], x.row(n, 0), x.width * x.step, row.data(), x.width * x.step);
      float* to = y.row(n, at);
      for (int64_t o = 0; o < y.width; ++o, to += y.step)
        Weighed(columns[static_cast<size_t>(o)], row.data(), x.step, to, std::min(x.step, y.step));
    }
  });
}

void StyledActivation(const Pixels<const float>& x, const StyledRows& end, const Pixels<float>& y) {
  const int64_t channels = x.channels, pixels = x.width;
  at::parallel_for(0, x.count * x.height, 8, [&](int64_t begin, int64_t stop) {
    const std::vector<float> ones(static_cast<size_t>(channels), 1.0F);
    for (int64_t i = begin; i < stop; ++i) {
      const int64_t n = i / x.height, row = i % x.height;
      const float* scale = end.scale ? end.scale + n * channels : ones.data();
      const float* noise = end.noise ? end.noise + n * end.noise_step + row * pixels : nullptr;
      const float* from = x.row(n, row);
      float* to = y.row(n, row);
      for (int64_t p = 0; p < pixels; ++p, from += x.step, to += y.step) {
        const float added = noise ? noise[p] : 0;
        for (int64_t c = 0; c < channels; ++c) {
          const float v = from[c] * scale[c] + added + end.bias[c];
          to[c] = (v > 0 ? v : v * kSlope) * end.gain;
        }
        for (int64_t c = channels; c < y.step; ++c) to[c] = 0;
      }
    }
  });
}

void StyledBackward(const Pixels<const float>& x, const Pixels<const float>& y, const Pixels<const float>& dy,
                    const StyledRows& end, const Pixels<float>& dx, const StyledGradients& gradients) {
  const int64_t channels = y.channels;
  // One task a picture would leave threads idle: sums are of bands of rows, joined in their order.
  const int64_t bands = std::min<int64_t>(y.height, 4), all = y.count * bands;
  std::vector<float> sums(static_cast<size_t>(2 * all * channels), 0.0F);
  at::parallel_for(0, all, 1, [&](int64_t begin, int64_t stop) {
    const std::vector<float> ones(static_cast<size_t>(channels), 1.0F);
    for (int64_t i = begin; i < stop; ++i) {
      const int64_t n = i / bands, band = i % bands;
      const float* scale = end.scale ? end.scale + n * channels : ones.data();
      float* of_bias = sums.data() + 2 * i * channels;
      float* of_scale = of_bias + channels;
      for (int64_t row = band * y.height / bands; row < (band + 1) * y.height / bands; ++row) {
        const float *in = end.scale ? x.row(n, row) : nullptr, *out = y.row(n, row), *slope = dy.row(n, row);
        float* to = dx.row(n, row);
        for (int64_t p = 0; p < y.width; ++p) {
          float sum = 0;
          for (int64_t c = 0; c < channels; ++c) {
            const float v = slope[c] * (out[c] > 0 ? end.gain : end.gain * kSlope);
            of_bias[c] += v;
            to[c] = v * scale[c];
          }
          if (gradients.noise) {
            for (int64_t c = 0; c < channels; ++c)
              sum += slope[c] * (out[c] > 0 ? end.gain : end.gain * kSlope);
            gradients.noise[(n * y.height + row) * y.width + p] = sum;
          }
          if (in) {
            for (int64_t c = 0; c < channels; ++c)
              of_scale[c] += slope[c] * (out[c] > 0 ? end.gain : end.gain * kSlope) * in[c];
            in += x.step;
          }
          out += y.step, slope += dy.step, to += dx.step;
        }
      }
    }
  });
  for (int64_t i = 0; i < all; ++i)
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t to = (i / bands) * channels + c, from = 2 * i * channels + c;
      if (gradients.bias)
        gradients.bias[to] = (i % bands ? gradients.bias[to] : 0) + sums[static_cast<size_t>(from)];
      if (gradients.scale)
        gradients.scale[to] =
            (i % bands ? gradients.scale[to] : 0) + sums[static_cast<size_t>(from + channels)];
    }
}

}  // namespace shinsaku::cpu
