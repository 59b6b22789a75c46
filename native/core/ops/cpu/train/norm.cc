// A norm that trains, with FiLM, SiLU and the residual in one pass each way. It keeps its input and, for
// GroupNorm, the statistics; the rest is computed again.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/first_order.h"

namespace shinsaku::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kBlock = 64;  // pixels of a piece

std::optional<Tensor> Maybe(const Tensor& x) { return x.defined() ? std::optional(x) : std::nullopt; }

// u = xhat * factor + offset for each picture: the norm's own gain and bias, and FiLM's.
struct Film {
  int64_t count, channels;
  const float *gain, *bias, *scale, *shift;  // bias, scale and shift may be null
  float times;                               // of the gain

  float Gain(int64_t c) const { return gain[c] * times; }
  float Bias(int64_t c) const { return bias ? bias[c] : 0; }
  float Scale(int64_t n, int64_t c) const { return scale ? scale[n * channels + c] + 1 : 1; }
  float Factor(int64_t n, int64_t c) const { return Gain(c) * Scale(n, c); }
  float Offset(int64_t n, int64_t c) const {
    return Bias(c) * Scale(n, c) + (shift ? shift[n * channels + c] : 0);
  }
};

const float* Data(const Tensor& x) { return x.defined() ? x.const_data_ptr<float>() : nullptr; }

Film FilmOf(NormWeights::Kind kind, const Tensor& x, const Tensor& gain, const Tensor& bias,
            const Tensor& scale, const Tensor& shift) {
  const bool rms = kind == NormWeights::Kind::kRms;
  return {x.size(0),
          x.size(1),
          Data(gain),
          Data(bias),
          Data(scale),
          Data(shift),
          rms ? std::sqrt(static_cast<float>(x.size(1))) : 1.0F};
}

Scaling ScalingOf(NormWeights::Kind kind) {
  if (kind == NormWeights::Kind::kGroup) return Scaling::kFixed;
  return kind == NormWeights::Kind::kRms ? Scaling::kRms : Scaling::kLayer;
}

// Runs `work(picture, first row, rows, piece)` for all pieces.
void EachPiece(int64_t count, int64_t pixels, const auto& work) {
  const int64_t blocks = (pixels + kBlock - 1) / kBlock;
  at::parallel_for(0, count * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i % blocks * kBlock;
      work(i / blocks, i / blocks * pixels + at, std::min(kBlock, pixels - at), i);
    }
  });
}

// centre and scale of each channel of each picture: [N][2][C].
Tensor GroupVectors(Context& cx, const Tensor& x) {
  const int64_t channels = x.size(1);
  const auto statistics = GroupStatisticsOf(cx, MapOfRows(x));
  Tensor vectors = at::empty({x.size(0), 2, channels}, at::kFloat);
  float* to = vectors.data_ptr<float>();
  const int64_t groups = static_cast<int64_t>(statistics.size()) / x.size(0), each = channels / groups;
  for (int64_t n = 0; n < x.size(0); ++n)
    for (int64_t c = 0; c < channels; ++c) {
      const GroupStatistics& s = statistics[n * groups + c / each];
      to[n * 2 * channels + c] = static_cast<float>(s.mean);
      to[(n * 2 + 1) * channels + c] = static_cast<float>(s.scale);
    }
  return vectors;
}

struct NormFunction : torch::autograd::Function<NormFunction> {
  using Optional = std::optional<Tensor>;

  static Tensor forward(AutogradContext* ctx, Context* cx, const Tensor& x, const Tensor& gain,
                        const Optional& bias, const Optional& scale, const Optional& shift,
                        const Optional& residual, int64_t kind, bool silu) {
    const auto kind_of = static_cast<NormWeights::Kind>(kind);
    const Tensor vectors = kind_of == NormWeights::Kind::kGroup ? GroupVectors(*cx, x) : Tensor();
    ctx->save_for_backward(
        {x, gain, bias.value_or(Tensor()), scale.value_or(Tensor()), shift.value_or(Tensor()), vectors});
    ctx->saved_data["context"] = reinterpret_cast<int64_t>(cx);
    ctx->saved_data["residual"] = residual.has_value();
    ctx->saved_data["kind"] = kind;
    ctx->saved_data["silu"] = silu;
    const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3);
    const Film film =
        FilmOf(kind_of, x, gain, bias.value_or(Tensor()), scale.value_or(Tensor()), shift.value_or(Tensor()));
    const Tensor floats = cx->arena.Floats(film.count * 2 * channels);
    float* all = floats.data_ptr<float>();
    for (int64_t n = 0; n < film.count; ++n)
      for (int64_t c = 0; c < channels; ++c) {
        float *factor = all + n * 2 * channels + c, *offset = factor + channels;
        *factor = film.Factor(n, c), *offset = film.Offset(n, c);
        if (!vectors.defined()) continue;
        const float* at = Data(vectors) + n * 2 * channels + c;
        *factor *= at[channels];
        *offset -= at[0] * *factor;
      }
    const Tensor y = NewRows(x.size(0), channels, x.size(2), x.size(3));
    EachPiece(film.count, pixels, [&](int64_t n, int64_t first, int64_t rows, int64_t) {
      NormRows r;
      r.scaling = ScalingOf(kind_of);
      r.silu = silu;
      r.x = Data(x) + first * channels;
      r.y = y.data_ptr<float>() + first * channels;
      r.rows = rows;
      r.channels = r.width = channels;
      r.factor = all + n * 2 * channels;
      r.offset = r.factor + channels;
      if (residual) r.residual = Data(*residual) + first * channels;
      cx->kernels.norm(r);
    });
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("the norm");
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &vectors = saved[5];
    Context& cx = *reinterpret_cast<Context*>(ctx->saved_data["context"].toInt());
    const auto kind = static_cast<NormWeights::Kind>(ctx->saved_data["kind"].toInt());
    const Tensor dy = AsRows(gradients[0]);
    const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3);
    const Film film = FilmOf(kind, x, saved[1], saved[2], saved[3], saved[4]);
    const int64_t pieces = film.count * ((pixels + kBlock - 1) / kBlock);
    const Tensor floats = cx.arena.Floats((film.count + pieces) * 2 * channels);
    float* all = floats.data_ptr<float>();
    float* sums = all + film.count * 2 * channels;
    for (int64_t n = 0; n < film.count; ++n)
      for (int64_t c = 0; c < channels; ++c) {
        all[n * 2 * channels + c] = film.Factor(n, c);
        all[(n * 2 + 1) * channels + c] = film.Offset(n, c);
      }
    Tensor dx = NewRows(x.size(0), channels, x.size(2), x.size(3));
    EachPiece(film.count, pixels, [&](int64_t n, int64_t first, int64_t rows, int64_t piece) {
      NormBack b;
      b.scaling = ScalingOf(kind);
      b.silu = ctx->saved_data.at("silu").toBool();
      b.x = Data(x) + first * channels;
      b.dy = Data(dy) + first * channels;
      b.dx = dx.data_ptr<float>() + first * channels;
      b.rows = rows;
      b.width = channels;
      b.factor = all + n * 2 * channels;
      b.offset = b.factor + channels;
      if (vectors.defined()) {
        b.centre = Data(vectors) + n * 2 * channels;
        b.scale = b.centre + channels;
      }
      b.sums = sums + piece * 2 * channels;
      std::fill_n(b.sums, 2 * channels, 0.0F);
      cx.kernels.norm_back(b);
    });
    // [N][2][C]: of the gradient of u, and of that times xhat.
    std::vector<double> totals(film.count * 2 * channels);
    for (int64_t i = 0; i < pieces; ++i) {
      double* to = totals.data() + i / (pieces / film.count) * 2 * channels;
      for (int64_t c = 0; c < 2 * channels; ++c) to[c] += sums[i * 2 * channels + c];
    }
    if (vectors.defined()) FinishGroups(cx, film, x, vectors, totals, dx);
    tensor_list result{{}, dx, {}, {}, {}, {}, {}, {}, {}};
    Parameters(ctx, film, totals, saved, result);
    if (ctx->saved_data["residual"].toBool()) result[6] = dy;
    return result;
  }

  // dx = scale * (factor * du - mean - xhat * dot), means over a group: by column, a du + b x + c.
  static void FinishGroups(Context& cx, const Film& film, const Tensor& x, const Tensor& vectors,
                           const std::vector<double>& totals, const Tensor& dx) {
    const int64_t channels = film.channels, pixels = x.size(2) * x.size(3);
    const int64_t each = channels / NormWeights::kGroups;
    const auto values = static_cast<double>(each * pixels);
    const Tensor floats = cx.arena.Floats(film.count * 3 * channels);
    float* all = floats.data_ptr<float>();
    for (int64_t n = 0; n < film.count; ++n)
      for (int64_t first = 0; first < channels; first += each) {
        const double* sum = totals.data() + n * 2 * channels;
        double mean = 0, dot = 0;
        for (int64_t c = first; c < first + each; ++c) {
          mean += film.Factor(n, c) * sum[c] / values;
          dot += film.Factor(n, c) * sum[channels + c] / values;
        }
        for (int64_t c = first; c < first + each; ++c) {
          const double centre = Data(vectors)[n * 2 * channels + c];
          const double scale = Data(vectors)[(n * 2 + 1) * channels + c];
          float* to = all + n * 3 * channels + c;
          to[0] = static_cast<float>(scale * film.Factor(n, c));
          to[channels] = static_cast<float>(-scale * scale * dot);
          to[2 * channels] = static_cast<float>(scale * (scale * centre * dot - mean));
        }
      }
    EachPiece(film.count, pixels, [&](int64_t n, int64_t first, int64_t rows, int64_t) {
      const float* a = all + n * 3 * channels;
      cx.kernels.scale_add(Data(x) + first * channels, dx.data_ptr<float>() + first * channels, rows,
                           channels, a, a + channels, a + 2 * channels);
    });
  }

  static void Parameters(AutogradContext* ctx, const Film& film, const std::vector<double>& totals,
                         const tensor_list& saved, tensor_list& result) {
    const int64_t channels = film.channels;
    const auto of = [&](size_t i) -> float* {
      if (!saved[i].defined()) return nullptr;
      result[i + 1] = at::empty(saved[i].sizes(), at::kFloat);
      return result[i + 1].data_ptr<float>();
    };
    float *gain = of(1), *bias = of(2), *scale = of(3), *shift = of(4);
    for (int64_t c = 0; c < channels; ++c) {
      double d_gain = 0, d_bias = 0;
      for (int64_t n = 0; n < film.count; ++n) {
        const double straight = totals[n * 2 * channels + c], along = totals[(n * 2 + 1) * channels + c];
        d_gain += along * film.times * film.Scale(n, c);
        d_bias += straight * film.Scale(n, c);
        if (scale)
          scale[n * channels + c] = static_cast<float>(along * film.Gain(c) + straight * film.Bias(c));
        if (shift) shift[n * channels + c] = static_cast<float>(straight);
      }
      gain[c] = static_cast<float>(d_gain);
      if (bias) bias[c] = static_cast<float>(d_bias);
    }
  }
};

}  // namespace

Tensor TrainNorm(Context& cx, const Tensor& x, const NormWeights& w, const TrainNormEpilogue& end) {
  const auto vector = [&](const Tensor& film) { return film.defined() ? film.contiguous() : film; };
  const Tensor residual = end.residual.defined() ? AsRows(end.residual) : Tensor();
  return NormFunction::apply(&cx, AsRows(x), w.gain, Maybe(w.bias), Maybe(vector(end.scale)),
                             Maybe(vector(end.shift)), Maybe(residual), static_cast<int64_t>(w.kind),
                             end.silu);
}

}  // namespace shinsaku::cpu
