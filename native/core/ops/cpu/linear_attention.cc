// Linear attention in two sweeps over pieces of the picture that stay in the cache: the first adds up the
// context of the keys, the second lets the queries read it. Queries and keys are never kept whole, and values
// never made: the context k^T v is (k^T x) W_v, whose product with W_v is a small one at the end.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/ops/cpu/context.h"

namespace shinsaku::cpu {
namespace {

constexpr int64_t kPiece = 128;  // pixels; fixed, so that sums do not depend on threads

struct LinearAttentionOp {
  Context& cx;
  const FeatureMap& x;
  const AttentionWeights& w;
  const int64_t hidden = w.heads * w.head_dim;
  const int64_t pieces = (x.pixels() + kPiece - 1) / kPiece;
  // Of a piece: the largest key of each channel, the sum of exp_column_sum, and k^T x [hidden][step].
  const int64_t record = hidden * (2 + x.step);
  const NormRows norm = RowsOf(cx, w.norm, x.channels);
  const Packed& qkv = cx.weights.Convolution(w.to_qkv, {}, {{x.channels, x.step}}, 1, -1);
  const Packed& out = cx.weights.Convolution(w.to_out.weight, w.to_out.bias, {{hidden, hidden}}, 1, -1);

  // Each thread's own: a normed piece and two products of it.
  int64_t ScratchFloats() const { return kPiece * (x.step + hidden + out.columns); }

  // The normed piece times the columns of the projection from `column` on, to `to`; returns its pixels.
  int64_t Project(int64_t task, int64_t column, int64_t columns, float* normed, float* to) const {
    const int64_t first = task % pieces * kPiece, rows = std::min(kPiece, x.pixels() - first);
    NormRows n = norm;
    n.x = x.data + (task / pieces * x.pixels() + first) * x.step;
    n.y = normed;
    n.rows = rows;
    cx.kernels.norm(n);
    Gemm g;
    g.a = normed;
    g.a_row = g.depth = x.step;
    g.b = qkv.floats.const_data_ptr<float>() + column * x.step;
    g.c = to;
    g.c_row = g.columns = columns;
    g.rows = rows;
    cx.kernels.gemm(g);
    return rows;
  }

  void Collect(int64_t task, float* scratch, float* records) const {
    float* k = scratch + kPiece * x.step;
    const int64_t rows = Project(task, hidden, hidden, scratch, k);
    float* peak = records + task * record;
    float* sum = peak + hidden;
    cx.kernels.column_max(k, rows, hidden, hidden, peak);
    cx.kernels.exp_column_sum(k, rows, hidden, hidden, peak, sum);
    Gemm g;
    g.a = k;
    g.a_row = 1;
    g.a_column = g.rows = hidden;
    g.depth = rows;
    g.b = scratch;
    g.b_row = g.c_row = g.columns = x.step;
    g.c = sum + hidden;
    cx.kernels.gemm(g);
  }

  int64_t JoinFloats() const { return w.head_dim * (x.step + w.head_dim) + pieces; }

  // Joins the pieces of picture `task / heads` for head `task % heads` and multiplies the context with the
  // output projection: rows of `reading` [panel][hidden][columns of the panel].
  void Join(int64_t task, const float* records, float* scratch, float* reading) const {
    const int64_t h = task % w.heads * w.head_dim;
    const float* all = records + task / w.heads * pieces * record;
    float* sums = scratch;  // k^T x of this head
    float* context = sums + w.head_dim * x.step;
    float* share = context + w.head_dim * w.head_dim;
    std::vector<double> column_max, totals;
    for (int64_t d = 0; d < w.head_dim; ++d) {
      const float* memory = Memory(0, h + d);
      float peak = all[h + d];
      for (int64_t p = 1; p < pieces; ++p) peak = std::max(peak, all[p * record + h + d]);
      for (int64_t m = 0; m < Memories(); ++m) peak = std::max(peak, memory[m]);
      double total = 0;
      for (int64_t p = 0; p < pieces; ++p) {
        share[p] = std::exp(all[p * record + h + d] - peak);
        total += static_cast<double>(share[p]) * all[p * record + hidden + h + d];
      }
      for (int64_t m = 0; m < Memories(); ++m) total += std::exp(static_cast<double>(memory[m]) - peak);
      column_max.push_back(peak);
      totals.push_back(total * (w.divide_values ? static_cast<double>(x.pixels()) : 1));
      Gemm g;
      g.a = share;
      g.depth = pieces;
      g.b = all + 2 * hidden + (h + d) * x.step;
      g.b_row = record;
      g.c = sums + d * x.step;
      g.c_row = g.columns = x.step;
      g.rows = 1;
      cx.kernels.gemm(g);
    }
    Gemm values;
    values.a = sums;
    values.a_row = values.depth = x.step;
    values.b = qkv.floats.const_data_ptr<float>() + (2 * hidden + h) * x.step;
    values.c = context;
    values.c_row = values.columns = values.rows = w.head_dim;
    cx.kernels.gemm(values);
    for (int64_t d = 0; d < w.head_dim; ++d) {
      float* row = context + d * w.head_dim;
      for (int64_t m = 0; m < Memories(); ++m) {
        const auto e = static_cast<float>(std::exp(Memory(0, h + d)[m] - column_max[d]));
        for (int64_t i = 0; i < w.head_dim; ++i) row[i] += e * Memory(1, h + i)[m];
      }
      for (int64_t i = 0; i < w.head_dim; ++i) row[i] = static_cast<float>(row[i] / totals[d]);
    }
    for (int64_t n = 0; n < out.columns; n += cx.kernels.panel) {
      Gemm g;
      const int64_t width = std::min(cx.kernels.panel, out.columns - n), start = n * hidden + h * width;
      g.a = context;
      g.a_row = g.depth = g.rows = w.head_dim;
      g.b = out.floats.const_data_ptr<float>() + start;
      g.c = reading + task / w.heads * hidden * out.columns + start;
      g.c_row = g.columns = width;
      cx.kernels.gemm(g);
    }
  }

  void Read(int64_t task, float* scratch, const float* reading, const FeatureMap& y) const {
    float* q = scratch + kPiece * x.step;
    const int64_t rows = Project(task, 0, hidden, scratch, q);
    cx.kernels.softmax(q, rows, hidden, hidden, w.head_dim, 1 / std::sqrt(static_cast<float>(w.head_dim)));
    Gemm g;
    g.a = q;
    g.a_row = g.depth = hidden;
    g.b = reading + task / pieces * hidden * out.columns;
    g.c = q + kPiece * hidden;
    g.c_row = g.columns = out.columns;
    g.rows = rows;
    g.bias = out.bias.const_data_ptr<float>();
    cx.kernels.gemm(g);
    NormRows n = RowsOf(cx, w.out_norm, x.channels);
    const int64_t first = (task / pieces * x.pixels() + task % pieces * kPiece) * x.step;
    n.x = g.c;
    n.y = y.data + first;
    n.residual = x.data + first;
    n.rows = rows;
    cx.kernels.norm(n);
  }

  // The learned keys (0) or values (1) of a channel.
  const float* Memory(int64_t which, int64_t channel) const {
    if (!w.memory.defined()) return nullptr;
    return w.memory.const_data_ptr<float>() + (which * hidden + channel) * Memories();
  }
  int64_t Memories() const { return w.memory.defined() ? w.memory.size(3) : 0; }
};

}  // namespace

FeatureMap LinearAttention(Context& cx, const FeatureMap& x, const AttentionWeights& w) {
  const LinearAttentionOp op{cx, x, w};
  RowsOf(cx, w.out_norm, x.channels);  // made before threads ask for it
  const int64_t tasks = x.count * op.pieces;
  const FeatureMap y = cx.NewFeatureMap(x.count, x.channels, x.height, x.width);
  const int64_t each = std::max(op.ScratchFloats(), op.JoinFloats());
  const Tensor scratch = cx.arena.Floats(at::get_num_threads() * each);
  const Tensor records = cx.arena.Floats(tasks * op.record);
  const Tensor reading = cx.arena.Floats(x.count * op.hidden * op.out.columns);
  const auto each_task = [&](int64_t count, const auto& work) {
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      float* own = scratch.data_ptr<float>() + at::get_thread_num() * each;
      for (int64_t task = begin; task < end; ++task) work(task, own);
    });
  };
  each_task(tasks, [&](int64_t task, float* own) { op.Collect(task, own, records.data_ptr<float>()); });
  each_task(x.count * w.heads, [&](int64_t task, float* own) {
    op.Join(task, records.const_data_ptr<float>(), own, reading.data_ptr<float>());
  });
  each_task(tasks, [&](int64_t task, float* own) { op.Read(task, own, reading.const_data_ptr<float>(), y); });
  return y;
}

}  // namespace shinsaku::cpu
