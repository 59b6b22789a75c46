// Norms with what follows them in one pass. Statistics over a whole picture or batch are added up in pieces
// of a fixed size and in a fixed order, in double, so that they do not depend on threads.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "core/api.h"
#include "core/ops/cpu/context.h"

namespace shinsaku::cpu {
namespace {

constexpr double kEps = 1e-5;
constexpr int64_t kBlock = 64;  // pixels of a piece

// Count, mean and squared distances from it; joined by Chan 1979.
struct Moments {
  double count = 0, mean = 0, squares = 0;
  void Join(double n, double m, double s) {
    const double all = count + n, d = m - mean;
    squares += s + d * d * count * n / all;
    mean += d * n / all;
    count = all;
  }
};

int64_t Blocks(int64_t pixels) { return (pixels + kBlock - 1) / kBlock; }

// For each piece of `kBlock` pixels of each picture: sums and squares of every channel.
Tensor PieceMoments(Context& cx, const FeatureMap& x) {
  const int64_t blocks = Blocks(x.pixels());
  Tensor moments = cx.arena.Floats(x.count * blocks * 2 * x.step);
  float* to = moments.data_ptr<float>();
  at::parallel_for(0, x.count * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % blocks * kBlock, rows = std::min(kBlock, x.pixels() - first);
      float* sum = to + i * 2 * x.step;
      cx.kernels.moments(x.data + (i / blocks * x.pixels() + first) * x.step, rows, x.step, sum,
                         sum + x.step);
    }
  });
  return moments;
}

// Moments of channels [c,d) of pictures [n,m).
Moments MomentsOf(const FeatureMap& x, const float* pieces, int64_t n, int64_t m, int64_t c, int64_t d) {
  const int64_t blocks = Blocks(x.pixels());
  const auto channels = static_cast<double>(d - c);
  Moments all;
  for (int64_t i = n * blocks; i < m * blocks; ++i) {
    const auto rows = static_cast<double>(std::min(kBlock, x.pixels() - i % blocks * kBlock));
    const float* sum = pieces + i * 2 * x.step;
    // Channels of a piece have equal counts, so joining them takes no division each.
    double mean = 0, squares = 0, between = 0;
    for (int64_t channel = c; channel < d; ++channel) mean += sum[channel];
    mean /= channels * rows;
    for (int64_t channel = c; channel < d; ++channel) {
      const double distance = sum[channel] * (1 / rows) - mean;
      squares += sum[x.step + channel];
      between += distance * distance;
    }
    all.Join(channels * rows, mean, squares + rows * between);
  }
  return all;
}

}  // namespace

NormRows RowsOf(Context& cx, const NormWeights& w, int64_t channels) {
  NormRows rows;
  const bool rms = w.kind == NormWeights::Kind::kRms;
  rows.scaling = rms ? Scaling::kRms : Scaling::kLayer;
  rows.channels = channels;
  rows.width = cx.weights.Padded(channels);
  rows.factor =
      cx.weights.Vector(w.gain, rms ? std::sqrt(static_cast<double>(channels)) : 1.0).const_data_ptr<float>();
  rows.offset =
      w.bias.defined() ? cx.weights.Vector(w.bias, 1).const_data_ptr<float>() : cx.Zeros(rows.width);
  return rows;
}

std::vector<GroupStatistics> GroupStatisticsOf(Context& cx, const FeatureMap& x) {
  const Tensor pieces = PieceMoments(cx, x);
  const int64_t each = x.channels / NormWeights::kGroups;
  std::vector<GroupStatistics> statistics(static_cast<size_t>(x.count * NormWeights::kGroups));
  at::parallel_for(0, x.count * NormWeights::kGroups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / NormWeights::kGroups, c = i % NormWeights::kGroups * each;
      const Moments m = MomentsOf(x, pieces.const_data_ptr<float>(), n, n + 1, c, c + each);
      statistics[i] = {m.mean, 1 / std::sqrt(m.squares / m.count + kEps)};
    }
  });
  return statistics;
}

Pass NormPass(Context& cx, const FeatureMap& x, const NormWeights& w, const NormEpilogue& end,
              const FeatureMap& y) {
  NormRows base = RowsOf(cx, w, x.channels);
  base.silu = end.silu;
  // Factors, then offsets, of each picture.
  const Tensor floats = cx.arena.Floats(x.count * 2 * x.step);
  float* own = floats.data_ptr<float>();
  for (int64_t n = 0; n < x.count; ++n) {
    std::copy_n(base.factor, x.step, own + n * 2 * x.step);
    std::copy_n(base.offset, x.step, own + n * 2 * x.step + x.step);
  }
  if (w.kind == NormWeights::Kind::kGroup) {
    base.scaling = Scaling::kFixed;
    const auto statistics = GroupStatisticsOf(cx, x);
    const int64_t each = x.channels / NormWeights::kGroups;
    for (int64_t n = 0; n < x.count; ++n)
      for (int64_t i = 0; i < x.channels; ++i) {
        const auto& [mean, scale] = statistics[n * NormWeights::kGroups + i / each];
        float* factor = own + n * 2 * x.step;
        const double gain = factor[i] * scale;
        factor[x.step + i] = static_cast<float>(factor[x.step + i] - mean * gain);
        factor[i] = static_cast<float>(gain);
      }
  }
  if (end.scale.defined()) {
    for (int64_t n = 0; n < x.count; ++n) {
      const float* scale = end.scale.const_data_ptr<float>() + n * end.scale.stride(0);
      const float* shift = end.shift.const_data_ptr<float>() + n * end.shift.stride(0);
      float* factor = own + n * 2 * x.step;
      for (int64_t c = 0; c < x.channels; ++c) {
        const float times = scale[c * end.scale.stride(1)] + 1;
        factor[c] *= times;
        factor[x.step + c] = factor[x.step + c] * times + shift[c * end.shift.stride(1)];
      }
    }
  }
  const auto norm = cx.kernels.norm;
  const float* residual = end.residual ? end.residual->data : nullptr;
  return [=, from = x.data, to = y.data, pixels = x.pixels(), step = x.step](int64_t n, int64_t first,
                                                                             int64_t count) {
    const int64_t at = (n * pixels + first) * step;
    NormRows rows = base;
    rows.x = from + at;
    rows.y = to + at;
    rows.rows = count;
    rows.factor = floats.const_data_ptr<float>() + n * 2 * step;
    rows.offset = rows.factor + step;
    if (residual) rows.residual = residual + at;
    norm(rows);
  };
}

void Normalise(Context& cx, const FeatureMap& x, const NormWeights& w, const NormEpilogue& end,
               const FeatureMap& y) {
  const Pass pass = NormPass(cx, x, w, end, y);
  const int64_t blocks = Blocks(x.pixels());
  at::parallel_for(0, x.count * blocks, 1, [&](int64_t begin, int64_t stop) {
    for (int64_t i = begin; i < stop; ++i) {
      const int64_t first = i % blocks * kBlock;
      pass(i / blocks, first, std::min(kBlock, x.pixels() - first));
    }
  });
}

FeatureMap ConvNorm(Context& cx, const std::vector<FeatureMap>& sources, const ConvWeights& conv,
                    const NormWeights& norm, const NormEpilogue& end) {
  if (norm.kind != NormWeights::Kind::kGroup)
    return Conv3x3(cx, sources, conv, false,
                   [&](const FeatureMap& h) { return NormPass(cx, h, norm, end, h); });
  const FeatureMap h = Conv3x3(cx, sources, conv, false);
  Normalise(cx, h, norm, end, h);
  return h;
}

void NormaliseBatch(Context& cx, const FeatureMap& x, const BatchNormWeights& w, BatchStatistics statistics,
                    bool relu, const FeatureMap& y) {
  const bool chainer = w.form == BatchNormWeights::Form::kChainer;
  const bool running = statistics == BatchStatistics::kRunning;
  const Tensor floats = cx.arena.Floats(2 * x.step);
  float* factor = floats.data_ptr<float>();
  float* offset = factor + x.step;
  std::fill_n(factor, 2 * x.step, 0.0F);
  const Tensor pieces = running ? Tensor() : PieceMoments(cx, x);
  const auto prepare = [&](int64_t c) {
    double mean, variance, eps = w.eps;
    if (running) {
      mean = w.running_mean.const_data_ptr<float>()[c];
      variance = w.running_var.const_data_ptr<float>()[c];
      // Chainer divides by the running variance as it is, and by nothing before the first batch.
      if (chainer) eps = 0;
      if (chainer && variance == 0) variance = 1;
    } else {
      const Moments m = MomentsOf(x, pieces.const_data_ptr<float>(), 0, x.count, c, c + 1);
      mean = m.mean;
      variance = m.squares / m.count;
    }
    const double gain = w.gain.const_data_ptr<float>()[c] / std::sqrt(variance + eps);
    factor[c] = static_cast<float>(gain);
    offset[c] = static_cast<float>(w.bias.const_data_ptr<float>()[c] - mean * gain);
  };
  at::parallel_for(0, x.channels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) prepare(c);
  });
  const int64_t pixels = x.count * x.pixels();
  at::parallel_for(0, Blocks(pixels), 1, [&](int64_t begin, int64_t end) {
    NormRows rows;
    rows.relu = relu;
    rows.x = x.data + begin * kBlock * x.step;
    rows.y = y.data + begin * kBlock * x.step;
    rows.rows = std::min(end * kBlock, pixels) - begin * kBlock;
    rows.channels = x.channels;
    rows.width = x.step;
    rows.factor = factor;
    rows.offset = offset;
    cx.kernels.norm(rows);
  });
}

}  // namespace shinsaku::cpu
