// Linear attention that trains. Forward keeps the queries after their softmax, the exp_column_sum of the keys
// and the values; the sum over pixels that a key's softmax divides by goes into the small context instead.
// Back, every piece of the picture is read once for the context's gradient and once for everything else.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
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

constexpr int64_t kPiece = 128;  // pixels

struct Shape {
  int64_t count, pixels, channels, heads, head_dim, memories;
  bool divide;
  int64_t hidden() const { return heads * head_dim; }
  int64_t row() const { return 3 * hidden(); }
  int64_t pieces() const { return (pixels + kPiece - 1) / kPiece; }
  int64_t context() const { return hidden() * head_dim; }  // floats of a picture's contexts
  float query_scale() const { return 1 / std::sqrt(static_cast<float>(head_dim)); }
  double value_scale() const { return divide ? 1 / static_cast<double>(pixels) : 1; }
};

// Runs `work(picture, first row of all, rows, piece, thread)` for all pieces.
void EachPiece(const Shape& s, const auto& work) {
  at::parallel_for(0, s.count * s.pieces(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i % s.pieces() * kPiece;
      work(i / s.pieces(), i / s.pieces() * s.pixels + at, std::min(kPiece, s.pixels - at), i,
           at::get_thread_num());
    }
  });
}

// c [rows][head_dim] of each head = a b, b [depth][head_dim].
void Heads(const Kernels& kernels, const Shape& s, const float* a, int64_t a_row, const float* b, float* c,
           int64_t c_row, int64_t rows) {
  for (int64_t h = 0; h < s.heads; ++h) {
    Gemm g;
    g.a = a + h * s.head_dim;
    g.a_row = a_row;
    g.depth = s.head_dim;
    g.b = b + h * s.head_dim * s.head_dim;
    g.b_row = g.columns = s.head_dim;
    g.c = c + h * s.head_dim;
    g.c_row = c_row;
    g.rows = rows;
    kernels.gemm(g);
  }
}

// c [head_dim][head_dim] of each head = a^T b over `rows` pixels.
void Outer(const Kernels& kernels, const Shape& s, const float* a, int64_t a_row, const float* b,
           int64_t b_row, float* c, int64_t rows) {
  for (int64_t h = 0; h < s.heads; ++h) {
    Gemm g;
    g.a = a + h * s.head_dim;
    g.a_row = 1;
    g.a_column = a_row;
    g.depth = rows;
    g.b = b + h * s.head_dim;
    g.b_row = b_row;
    g.c = c + h * s.head_dim * s.head_dim;
    g.c_row = g.rows = g.columns = s.head_dim;
    kernels.gemm(g);
  }
}

// Adds up the pieces' contexts of each picture.
std::vector<double> SumPieces(const Shape& s, const float* records) {
  std::vector<double> sums(s.count * s.context());
  at::parallel_for(0, s.context(), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < s.count * s.pieces(); ++i)
      for (int64_t j = begin; j < end; ++j)
        sums[i / s.pieces() * s.context() + j] += records[i * s.context() + j];
  });
  return sums;
}

struct Forward {
  Context& cx;
  const Shape& s;
  const float* normed;
  const Tensor& weight;
  const float* memory;  // [2][hidden][memories]
  float *qkv, *out;
  float *column_max, *shares;  // [N][hidden]: of the keys, and 1 / the sum of their exp_column_sum
  float* contexts;             // [N][heads][head_dim][head_dim]

  void Run() const {
    const Kernels& k = cx.kernels;
    const int64_t hidden = s.hidden(), row = s.row(), tasks = s.count * s.pieces();
    const Tensor floats = cx.arena.Floats(s.channels * row + tasks * (2 * hidden + s.context()));
    float* packed = floats.data_ptr<float>();
    float* tops = packed + s.channels * row;
    float* sums = tops + tasks * hidden;
    float* records = sums + tasks * hidden;
    PackAcross(k, weight.const_data_ptr<float>(), s.channels, row, packed);
    EachPiece(s, [&](int64_t, int64_t first, int64_t rows, int64_t piece, int) {
      Gemm g;
      g.a = normed + first * s.channels;
      g.a_row = g.depth = s.channels;
      g.b = packed;
      g.c = qkv + first * row;
      g.c_row = g.columns = row;
      g.rows = rows;
      k.gemm(g);
      k.softmax(g.c, rows, row, hidden, s.head_dim, s.query_scale());
      k.column_max(g.c + hidden, rows, row, hidden, tops + piece * hidden);
    });
    for (int64_t n = 0; n < s.count; ++n)
      for (int64_t d = 0; d < hidden; ++d) {
        float peak = tops[n * s.pieces() * hidden + d];
        for (int64_t i = 1; i < s.pieces(); ++i)
          peak = std::max(peak, tops[(n * s.pieces() + i) * hidden + d]);
        for (int64_t m = 0; m < s.memories; ++m) peak = std::max(peak, memory[d * s.memories + m]);
        column_max[n * hidden + d] = peak;
      }
    EachPiece(s, [&](int64_t n, int64_t first, int64_t rows, int64_t piece, int) {
      float* keys = qkv + first * row + hidden;
      k.exp_column_sum(keys, rows, row, hidden, column_max + n * hidden, sums + piece * hidden);
      Outer(k, s, keys, row, keys + hidden, row, records + piece * s.context(), rows);
    });
    Contexts(SumPieces(s, records), sums);
    EachPiece(s, [&](int64_t n, int64_t first, int64_t rows, int64_t, int) {
      Heads(k, s, qkv + first * row, row, contexts + n * s.context(), out + first * hidden, hidden, rows);
    });
  }

  void Contexts(const std::vector<double>& all, const float* sums) const {
    const int64_t hidden = s.hidden();
    for (int64_t n = 0; n < s.count; ++n)
      for (int64_t d = 0; d < hidden; ++d) {
        double total = 0;
        for (int64_t i = 0; i < s.pieces(); ++i) total += sums[(n * s.pieces() + i) * hidden + d];
        std::vector<double> learned(s.memories);
        for (int64_t m = 0; m < s.memories; ++m) {
          learned[m] = std::exp(static_cast<double>(memory[d * s.memories + m]) - column_max[n * hidden + d]);
          total += learned[m];
        }
        shares[n * hidden + d] = static_cast<float>(1 / total);
        const int64_t first_value = d / s.head_dim * s.head_dim;
        for (int64_t e = 0; e < s.head_dim; ++e) {
          double value = all[(n * hidden + d) * s.head_dim + e];
          for (int64_t m = 0; m < s.memories; ++m)
            value += learned[m] * memory[(hidden + first_value + e) * s.memories + m];
          contexts[(n * hidden + d) * s.head_dim + e] = static_cast<float>(value / total * s.value_scale());
        }
      }
  }
};

struct Backward {
  Context& cx;
  const Shape& s;
  const float *normed, *qkv, *column_max, *shares, *contexts, *memory, *dout;
  const Tensor& weight;
  float *d_normed, *d_weight, *d_memory;

  void Run() const {
    const Kernels& k = cx.kernels;
    const int64_t hidden = s.hidden(), row = s.row(), each = s.context();
    const int64_t threads = at::get_num_threads(), own = kPiece * row + row * s.channels;
    const Tensor floats = cx.arena.Floats(s.count * (s.pieces() + 3) * each + s.count * hidden);
    const Tensor scratch = cx.arena.Floats(threads * own);
    float* records = floats.data_ptr<float>();
    float* across = records + s.count * s.pieces() * each;  // contexts transposed
    float* gradient = across + s.count * each;              // of the values' contexts, shared out
    float* gradient_across = gradient + s.count * each;
    float* along = gradient_across + s.count * each;  // [N][hidden]
    EachPiece(s, [&](int64_t, int64_t first, int64_t rows, int64_t piece, int) {
      Outer(k, s, qkv + first * row, row, dout + first * hidden, hidden, records + piece * each, rows);
    });
    Contexts(SumPieces(s, records), gradient, along);
    for (int64_t i = 0; i < s.count * s.heads; ++i) {
      const int64_t at = i * s.head_dim * s.head_dim;
      k.transpose(contexts + at, s.head_dim, s.head_dim, s.head_dim, across + at, s.head_dim);
      k.transpose(gradient + at, s.head_dim, s.head_dim, s.head_dim, gradient_across + at, s.head_dim);
    }
    // Each thread adds up the weight's gradient behind its piece of d qkv.
    float* all = scratch.data_ptr<float>();
    float* shares_of = all + threads * kPiece * row;
    std::vector<char> begun(threads);
    EachPiece(s, [&](int64_t n, int64_t first, int64_t rows, int64_t, int thread) {
      const float* from = qkv + first * row;
      float* d = all + thread * kPiece * row;
      Heads(k, s, dout + first * hidden, hidden, across + n * each, d, row, rows);
      k.softmax_back(from, d, rows, row, hidden, s.head_dim, s.query_scale());
      Heads(k, s, from + 2 * hidden, row, gradient_across + n * each, d + hidden, row, rows);
      k.exp_column_sum_backward(from + hidden, d + hidden, rows, row, hidden, along + n * hidden);
      Heads(k, s, from + hidden, row, gradient + n * each, d + 2 * hidden, row, rows);
      Gemm g;
      g.a = d;
      g.a_row = g.depth = row;
      g.b = weight.const_data_ptr<float>();
      g.b_row = g.c_row = g.columns = s.channels;
      g.c = d_normed + first * s.channels;
      g.rows = rows;
      k.gemm(g);
      Gemm w;
      w.a = d;
      w.a_row = 1;
      w.a_column = w.rows = row;
      w.depth = rows;
      w.b = normed + first * s.channels;
      w.b_row = w.c_row = w.columns = s.channels;
      w.c = shares_of + thread * row * s.channels;
      w.accumulate = begun[thread] != 0;
      k.gemm(w);
      begun[thread] = 1;
    });
    for (int64_t t = 0; t < threads; ++t)
      if (!begun[t]) std::fill_n(shares_of + t * row * s.channels, row * s.channels, 0.0F);
    JoinThreads(shares_of, row * s.channels, threads);
    std::copy_n(shares_of, row * s.channels, d_weight);
  }

  // From the contexts' gradient: what keys and values get, and the learned ones' gradients.
  void Contexts(const std::vector<double>& all, float* gradient, float* along) const {
    const int64_t hidden = s.hidden(), dim = s.head_dim;
    std::vector<double> learned(2 * hidden * s.memories);
    for (int64_t n = 0; n < s.count; ++n)
      for (int64_t d = 0; d < hidden; ++d) {
        const double* of = all.data() + (n * hidden + d) * dim;
        const int64_t at = n * hidden + d, first = hidden + d / dim * dim;
        double dot = 0;
        for (int64_t e = 0; e < dim; ++e) dot += of[e] * contexts[at * dim + e];
        along[at] = static_cast<float>(dot * shares[at]);
        for (int64_t e = 0; e < dim; ++e)
          gradient[at * dim + e] = static_cast<float>(of[e] * shares[at] * s.value_scale());
        for (int64_t m = 0; m < s.memories; ++m) {
          const double key =
              std::exp(static_cast<double>(memory[d * s.memories + m]) - column_max[at]) * shares[at];
          double d_key = 0;
          for (int64_t e = 0; e < dim; ++e) {
            d_key += of[e] * s.value_scale() * memory[(first + e) * s.memories + m];
            learned[(first + e) * s.memories + m] += key * of[e] * s.value_scale();
          }
          learned[d * s.memories + m] += key * (d_key - dot);
        }
      }
    std::copy(learned.begin(), learned.end(), d_memory);
  }
};

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static Tensor forward(AutogradContext* ctx, Context* cx, const Tensor& normed, const Tensor& weight,
                        const std::optional<Tensor>& memory, int64_t heads, int64_t head_dim, bool divide) {
    const Shape s{normed.size(0), normed.size(2) * normed.size(3), normed.size(1), heads,
                  head_dim,       memory ? memory->size(3) : 0,    divide};
    const auto floats = at::TensorOptions(at::kFloat);
    const Tensor qkv = at::empty({s.count, s.pixels, s.row()}, floats);
    const Tensor small = at::empty({s.count * (2 * s.hidden() + s.context())}, floats);
    float* column_max = small.data_ptr<float>();
    float* shares = column_max + s.count * s.hidden();
    const Tensor out = NewRows(s.count, s.hidden(), normed.size(2), normed.size(3));
    Forward{*cx,
            s,
            normed.const_data_ptr<float>(),
            weight,
            memory ? memory->const_data_ptr<float>() : nullptr,
            qkv.data_ptr<float>(),
            out.data_ptr<float>(),
            column_max,
            shares,
            shares + s.count * s.hidden()}
        .Run();
    ctx->save_for_backward({normed, weight, memory.value_or(Tensor()), qkv, small});
    ctx->saved_data["context"] = reinterpret_cast<int64_t>(cx);
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["head_dim"] = head_dim;
    ctx->saved_data["divide"] = divide;
    return out;
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("linear attention");
    const auto saved = ctx->get_saved_variables();
    const Tensor &normed = saved[0], &weight = saved[1], &memory = saved[2];
    const Shape s{normed.size(0),
                  normed.size(2) * normed.size(3),
                  normed.size(1),
                  ctx->saved_data["heads"].toInt(),
                  ctx->saved_data["head_dim"].toInt(),
                  memory.defined() ? memory.size(3) : 0,
                  ctx->saved_data["divide"].toBool()};
    const Tensor dout = AsRows(gradients[0]);
    const Tensor d_normed = NewRows(s.count, s.channels, normed.size(2), normed.size(3));
    const Tensor d_weight = at::empty(weight.sizes(), at::kFloat);
    const Tensor d_memory = memory.defined() ? at::empty(memory.sizes(), at::kFloat) : Tensor();
    const float* column_max = saved[4].const_data_ptr<float>();
    const float* shares = column_max + s.count * s.hidden();
    Backward{*reinterpret_cast<Context*>(ctx->saved_data["context"].toInt()),
             s,
             normed.const_data_ptr<float>(),
             saved[3].const_data_ptr<float>(),
             column_max,
             shares,
             shares + s.count * s.hidden(),
             memory.defined() ? memory.const_data_ptr<float>() : nullptr,
             dout.const_data_ptr<float>(),
             weight,
             d_normed.data_ptr<float>(),
             d_weight.data_ptr<float>(),
             d_memory.defined() ? d_memory.data_ptr<float>() : nullptr}
        .Run();
    return {{}, d_normed, d_weight, d_memory, {}, {}, {}};
  }
};

}  // namespace

Tensor TrainLinearAttention(Context& cx, const Tensor& normed, const AttentionWeights& w) {
  const std::optional<Tensor> memory =
      w.memory.defined() ? std::optional(w.memory.contiguous()) : std::nullopt;
  return AttentionFunction::apply(&cx, AsRows(normed), w.to_qkv.contiguous(), memory, w.heads, w.head_dim,
                                  w.divide_values);
}

}  // namespace shinsaku::cpu
