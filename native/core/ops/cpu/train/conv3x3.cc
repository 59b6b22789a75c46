// A 3x3 convolution that trains: Winograd forward, for the gradient of its input with turned weights, and for
// the gradient of its weights.
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/first_order.h"

namespace shinsaku::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Weights are transformed before the product where there are few of them, or many tiles to use them; else as
// the product goes, piece by piece in the cache.
constexpr int64_t kFewPairs = 128 * 127, kManyPairs = 256 * 512, kManyTiles = 128;

void Run(Context& cx, Tiles t, const RawTaps& raw, const float* bias, const Tensor& y) {
  t.out = y.size(1);
  t.bias = bias;
  t.output = y.data_ptr<float>();
  TrainWinograd(cx, t, y.size(0), {nullptr, raw, std::nullopt});
}

struct Conv3x3Function : torch::autograd::Function<Conv3x3Function> {
  static Tensor forward(AutogradContext* ctx, Context* cx, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, bool doubled) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["bias"] = bias.has_value();
    ctx->saved_data["context"] = reinterpret_cast<int64_t>(cx);
    ctx->saved_data["doubled"] = doubled;
    const int64_t in = x.size(1), out = weight.size(0);
    const float* zeros = cx->Zeros(std::max(in, out));
    const Tensor y = NewRows(x.size(0), out, x.size(2) << doubled, x.size(3) << doubled);
    Run(*cx, TilesOf(x, doubled, zeros), {weight.const_data_ptr<float>(), 1, 3 * in, in, 9 * in},
        bias ? bias->const_data_ptr<float>() : zeros, y);
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("the 3x3 convolution");
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    Context& cx = *reinterpret_cast<Context*>(ctx->saved_data["context"].toInt());
    const bool doubled = ctx->saved_data["doubled"].toBool();
    const Tensor dy = AsRows(gradients[0]);
    const int64_t in = x.size(1), out = weight.size(0);
    const float* zeros = cx.Zeros(std::max(in, out));
    const Tiles gradient = TilesOf(dy, 0, zeros);
    Tensor dx, dw, db;
    if (ctx->needs_input_grad(0)) {
      dx = NewRows(x.size(0), in, x.size(2), x.size(3));
      Tiles tiles = gradient;
      tiles.out_shift = doubled ? 1 : 0;
      Run(cx, tiles, {weight.const_data_ptr<float>() + 8 * in, 9 * in, -3 * in, -in, 1}, zeros, dx);
    }
    if (ctx->needs_input_grad(1)) {
      dw = at::empty(weight.sizes(), weight.options(), at::MemoryFormat::ChannelsLast);
      WinogradWeightGradient(cx, TilesOf(x, doubled, zeros), gradient, dy.size(0), std::nullopt,
                             dw.data_ptr<float>());
    }
    if (ctx->saved_data["bias"].toBool())
      db = ColumnSums(cx, dy.const_data_ptr<float>(), dy.size(0) * dy.size(2) * dy.size(3), out);
    return {{}, dx, dw, db, {}};
  }
};

}  // namespace

Tiles TilesOf(const Tensor& x, int shift, const float* zeros) {
  Tiles t;
  t.source[0] = x.const_data_ptr<float>();
  t.channels[0] = t.in = x.size(1);
  t.shift = shift;
  t.zeros = zeros;
  CutTiles(t, x.size(2) << shift, x.size(3) << shift);
  return t;
}

void TrainWinograd(Context& cx, const Tiles& tiles, int64_t count, WinogradWeights weights) {
  const int64_t pairs = tiles.in * tiles.out, all = count * tiles.tiles_each;
  Tensor transformed;
  if (pairs <= kFewPairs || (pairs <= kManyPairs && all >= kManyTiles)) {
    transformed = TransformTaps(cx, weights, tiles.in, tiles.out);
    weights.ready = transformed.const_data_ptr<float>();
  }
  RunWinograd(cx, tiles, count, weights);
}

Tensor TrainConv3x3(Context& cx, const Tensor& x, const ConvWeights& w, bool doubled) {
  const std::optional<Tensor> bias = w.bias.defined() ? std::optional(w.bias) : std::nullopt;
  return Conv3x3Function::apply(&cx, AsRows(x), AsRows(w.weight), bias, doubled);
}

}  // namespace shinsaku::cpu
