// A 1x1 convolution that trains: products of rows of pixels.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/first_order.h"

namespace shinsaku::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kBlock = 96;    // rows of a product at a time
constexpr int64_t kDepth = 256;   // rows that one product of a weight gradient sums over
constexpr int64_t kOutputs = 48;  // output channels of a weight gradient at a time
// Up to how many rows threads share the weight gradient's outputs rather than its rows.
constexpr int64_t kFewRows = 2048;

struct PointwiseFunction : torch::autograd::Function<PointwiseFunction> {
  static Tensor forward(AutogradContext* ctx, Context* cx, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["bias"] = bias.has_value();
    ctx->saved_data["context"] = reinterpret_cast<int64_t>(cx);
    const int64_t in = x.size(1), out = weight.size(0);
    const Tensor packed = cx->arena.Floats(in * out);
    PackAcross(cx->kernels, weight.const_data_ptr<float>(), in, out, packed.data_ptr<float>());
    const Tensor y = NewRows(x.size(0), out, x.size(2), x.size(3));
    Product(cx->kernels, x.const_data_ptr<float>(), x.numel() / in, in, packed.const_data_ptr<float>(), 0,
            bias ? bias->const_data_ptr<float>() : nullptr, y.data_ptr<float>(), out);
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("the 1x1 convolution");
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    Context& cx = *reinterpret_cast<Context*>(ctx->saved_data["context"].toInt());
    const Tensor dy = AsRows(gradients[0]);
    const int64_t in = x.size(1), out = weight.size(0), rows = x.numel() / in;
    Tensor dx, dw, db;
    if (ctx->needs_input_grad(0)) {
      dx = NewRows(x.size(0), in, x.size(2), x.size(3));
      Product(cx.kernels, dy.const_data_ptr<float>(), rows, out, weight.const_data_ptr<float>(), in, nullptr,
              dx.data_ptr<float>(), in);
    }
    if (ctx->needs_input_grad(1)) {
      dw = at::empty(weight.sizes(), weight.options());
      PointwiseWeightGradient(cx, x.const_data_ptr<float>(), dy.const_data_ptr<float>(), rows, in, out,
                              dw.data_ptr<float>());
    }
    if (ctx->saved_data["bias"].toBool()) db = ColumnSums(cx, dy.const_data_ptr<float>(), rows, out);
    return {{}, dx, dw, db};
  }
};

}  // namespace

void PackAcross(const Kernels& kernels, const float* w, int64_t in, int64_t out, float* packed) {
  for (int64_t n = 0; n < out; n += kernels.panel) {
    const int64_t width = std::min(kernels.panel, out - n);
    kernels.transpose(w + n * in, in, width, in, packed + n * in, width);
  }
}

void Product(const Kernels& kernels, const float* a, int64_t rows, int64_t depth, const float* b,
             int64_t b_row, const float* bias, float* c, int64_t columns) {
  at::parallel_for(0, (rows + kBlock - 1) / kBlock, 1, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * kBlock; first < std::min(end * kBlock, rows); first += kBlock) {
      Gemm g;
      g.a = a + first * depth;
      g.a_row = g.depth = depth;
      g.b = b;
      g.b_row = b_row;
      g.c = c + first * columns;
      g.c_row = g.columns = columns;
      g.rows = std::min(kBlock, rows - first);
      g.bias = bias;
      kernels.gemm(g);
    }
  });
}

void PointwiseWeightGradient(Context& cx, const float* x, const float* dy, int64_t rows, int64_t in,
                             int64_t out, float* dw) {
  // dw of outputs [o, o + count) (+)= those of dy's rows from `first` on, by x.
  const auto add = [&](int64_t o, int64_t count, int64_t first, int64_t depth, float* to, bool accumulate) {
    Gemm g;
    g.a = dy + first * out + o;
    g.a_row = 1;
    g.a_column = out;
    g.depth = depth;
    g.b = x + first * in;
    g.b_row = g.c_row = g.columns = in;
    g.c = to + o * in;
    g.rows = count;
    g.accumulate = accumulate;
    cx.kernels.gemm(g);
  };
  if (rows <= kFewRows) {
    at::parallel_for(0, (out + kOutputs - 1) / kOutputs, 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin * kOutputs; o < std::min(end * kOutputs, out); o += kOutputs)
        for (int64_t first = 0; first < rows; first += kDepth)
          add(o, std::min(kOutputs, out - o), first, std::min(kDepth, rows - first), dw, first > 0);
    });
    return;
  }
  const int64_t threads = at::get_num_threads(), share = (rows + threads - 1) / threads;
  const Tensor scratch = cx.arena.Floats(threads * in * out);
  float* own = scratch.data_ptr<float>();
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t stop = std::min((t + 1) * share, rows);
      if (t * share >= stop) std::fill_n(own + t * in * out, in * out, 0.0F);
      for (int64_t first = t * share; first < stop; first += kDepth)
        add(0, out, first, std::min(kDepth, stop - first), own + t * in * out, first > t * share);
    }
  });
  JoinThreads(own, in * out, threads);
  std::copy_n(own, in * out, dw);
}

Tensor TrainPointwise(Context& cx, const Tensor& x, const ConvWeights& w) {
  const std::optional<Tensor> bias = w.bias.defined() ? std::optional(w.bias) : std::nullopt;
  return PointwiseFunction::apply(&cx, AsRows(x), w.weight.contiguous(), bias);
}

}  // namespace shinsaku::cpu
