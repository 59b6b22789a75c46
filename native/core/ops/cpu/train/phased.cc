// Convolutions with stride 2 and transposed ones that train: the same three Winograd products as of a 3x3
// layer, over the phases of the larger map.
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/first_order.h"

namespace shinsaku::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What reads the larger map by its phases.
Tiles LargeTiles(const Tensor& map, const float* zeros) {
  Tiles t;
  TakePhases(t, map.const_data_ptr<float>(), map.size(1), map.size(3));
  t.zeros = zeros;
  CutTiles(t, map.size(2) / 2, map.size(3) / 2);
  return t;
}

// y from x: from the smaller map to the larger one or back. `weight` lies in memory as [small][k][k][large].
void Run(Context& cx, const Tensor& x, const Tensor& weight, const Phases& phases, const float* bias,
         const float* zeros, const Tensor& y) {
  Tiles t = phases.output ? TilesOf(x, 0, zeros) : LargeTiles(x, zeros);
  t.out = phases.output ? kPhases * y.size(1) : y.size(1);
  t.out_spread = phases.output ? 2 : 1;
  t.bias = bias;
  t.output = y.data_ptr<float>();
  const int64_t large = weight.size(1), each = phases.kernel * phases.kernel * large;
  RawTaps raw{weight.const_data_ptr<float>(), each, phases.kernel * large, large, 1};
  if (!phases.output) std::swap(raw.row_step, raw.column_step);
  TrainWinograd(cx, t, y.size(0), {nullptr, raw, phases});
}

struct PhasedFunction : torch::autograd::Function<PhasedFunction> {
  static Tensor forward(AutogradContext* ctx, Context* cx, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, const Phases* phases) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["bias"] = bias.has_value();
    ctx->saved_data["context"] = reinterpret_cast<int64_t>(cx);
    ctx->saved_data["output"] = phases->output;
    ctx->saved_data["padding"] = phases->padding;
    const int64_t small = weight.size(0), large = weight.size(1);
    const float* zeros = cx->Zeros(std::max(small, large));
    const Tensor y = phases->output ? NewRows(x.size(0), large, 2 * x.size(2), 2 * x.size(3))
                                    : NewRows(x.size(0), small, x.size(2) / 2, x.size(3) / 2);
    Run(*cx, x, weight, *phases, bias ? bias->const_data_ptr<float>() : zeros, zeros, y);
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("the convolution of stride 2");
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    Context& cx = *reinterpret_cast<Context*>(ctx->saved_data["context"].toInt());
    const Phases phases{ctx->saved_data["output"].toBool(), weight.size(2),
                        ctx->saved_data["padding"].toInt()};
    const Tensor dy = AsRows(gradients[0]);
    const float* zeros = cx.Zeros(std::max(weight.size(0), weight.size(1)));
    Tensor dx, dw, db;
    if (ctx->needs_input_grad(0)) {
      dx = NewRows(x.size(0), x.size(1), x.size(2), x.size(3));
      Run(cx, dy, weight, {!phases.output, phases.kernel, phases.padding}, zeros, zeros, dx);
    }
    if (ctx->needs_input_grad(1)) {
      dw = at::empty(weight.sizes(), weight.options(), at::MemoryFormat::ChannelsLast);
      const Tiles from = phases.output ? TilesOf(x, 0, zeros) : LargeTiles(x, zeros);
      const Tiles to = phases.output ? LargeTiles(dy, zeros) : TilesOf(dy, 0, zeros);
      WinogradWeightGradient(cx, from, to, x.size(0), phases, dw.data_ptr<float>());
    }
    if (ctx->saved_data["bias"].toBool())
      db = ColumnSums(cx, dy.const_data_ptr<float>(), dy.size(0) * dy.size(2) * dy.size(3), dy.size(1));
    return {{}, dx, dw, db, {}};
  }
};

}  // namespace

Tensor TrainPhased(Context& cx, const Tensor& x, const ConvWeights& w, const Phases& phases) {
  const std::optional<Tensor> bias = w.bias.defined() ? std::optional(w.bias) : std::nullopt;
  return PhasedFunction::apply(&cx, AsRows(x), AsRows(w.weight), bias, &phases);
}

}  // namespace shinsaku::cpu
