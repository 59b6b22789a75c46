// Softmax attention over all pixels, a block of queries at a time, so that its memory grows with the pixels
// and not with their square.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "core/ops/cpu/context.h"

namespace shinsaku::cpu {
namespace {

constexpr int64_t kBlock = 48;      // queries at a time
constexpr float kCosineScale = 16;  // 0.26's constant
constexpr float kNever = -1e30F;    // logit of a column of padding

struct FullAttentionOp {
  Context& cx;
  const FeatureMap& x;
  const AttentionWeights& w;
  const int64_t hidden = w.heads * w.head_dim;
  const int64_t memories = w.memory.defined() ? w.memory.size(2) : 0;
  const int64_t keys = memories + x.pixels();
  const int64_t columns = cx.weights.Padded(keys);
  const int64_t blocks = (x.pixels() + kBlock - 1) / kBlock;
  const Tensor qkv = cx.arena.Floats(x.count * x.pixels() * 3 * hidden);
  const Tensor keys_across = cx.arena.Floats(x.count * hidden * columns);  // [N][hidden][columns]
  const Tensor values = cx.arena.Floats(x.count * hidden * keys);          // [N][heads][keys][head_dim]

  int64_t Rows(int64_t block) const { return std::min(kBlock, x.pixels() - block * kBlock); }
  float* Projected(int64_t n, int64_t pixel) const {
    return qkv.data_ptr<float>() + (n * x.pixels() + pixel) * 3 * hidden;
  }

  void Project(int64_t task, float* normed) const {
    const int64_t n = task / blocks, first = task % blocks * kBlock;
    NormRows rows = RowsOf(cx, w.norm, x.channels);
    rows.x = x.data + (n * x.pixels() + first) * x.step;
    rows.y = normed;
    rows.rows = Rows(task % blocks);
    cx.kernels.norm(rows);
    Gemm g;
    g.a = normed;
    g.a_row = g.depth = x.step;
    g.b = cx.weights.Convolution(w.to_qkv, {}, {{x.channels, x.step}}, 1, -1).floats.const_data_ptr<float>();
    g.c = Projected(n, first);
    g.c_row = g.columns = 3 * hidden;
    g.rows = rows.rows;
    cx.kernels.gemm(g);
  }

  // Keys with channels as rows, scaled; keys and values behind the learned ones.
  void SetMemoryFormat(int64_t task) const {
    const int64_t n = task / w.heads, h = task % w.heads;
    for (int64_t d = 0; d < w.head_dim; ++d) {
      const int64_t channel = h * w.head_dim + d;
      float* to = keys_across.data_ptr<float>() + (n * hidden + channel) * columns;
      const float scale = w.cosine ? CosineScale(n, channel) : 1 / std::sqrt(static_cast<float>(w.head_dim));
      for (int64_t m = 0; m < memories; ++m) to[m] = scale * Memory(0, h, m)[d];
      const float* from = Projected(n, 0) + hidden + channel;
      for (int64_t p = 0; p < x.pixels(); ++p) to[memories + p] = scale * from[p * 3 * hidden];
      std::fill(to + keys, to + columns, 0.0F);
    }
    float* to = values.data_ptr<float>() + (n * hidden + h * w.head_dim) * keys;
    for (int64_t m = 0; m < memories; ++m) std::copy_n(Memory(1, h, m), w.head_dim, to + m * w.head_dim);
    for (int64_t p = 0; p < x.pixels(); ++p)
      std::copy_n(Projected(n, p) + 2 * hidden + h * w.head_dim, w.head_dim,
                  to + (memories + p) * w.head_dim);
  }

  // 0.26 normalises each channel of q and k over the pixels; both lengths go into the keys.
  float CosineScale(int64_t n, int64_t channel) const {
    double q = 0, k = 0;
    const float* from = Projected(n, 0) + channel;
    for (int64_t p = 0; p < x.pixels(); ++p, from += 3 * hidden) {
      q += static_cast<double>(from[0]) * from[0];
      k += static_cast<double>(from[hidden]) * from[hidden];
    }
    return static_cast<float>(kCosineScale / (std::max(std::sqrt(q), 1e-12) * std::max(std::sqrt(k), 1e-12)));
  }

  // The result replaces the queries.
  void Attend(int64_t task, float* logits) const {
    const int64_t block = task % blocks, h = task / blocks % w.heads, n = task / blocks / w.heads;
    Gemm g;
    g.a = Projected(n, block * kBlock) + h * w.head_dim;
    g.a_row = 3 * hidden;
    g.depth = w.head_dim;
    g.b = keys_across.const_data_ptr<float>() + (n * hidden + h * w.head_dim) * columns;
    g.b_row = g.columns = g.c_row = columns;
    g.c = logits;
    g.rows = Rows(block);
    cx.kernels.gemm(g);
    for (int64_t r = 0; r < g.rows; ++r)
      std::fill(logits + r * columns + keys, logits + (r + 1) * columns, kNever);
    cx.kernels.softmax(logits, g.rows, columns, columns, columns, 1);
    Gemm read;
    read.a = logits;
    read.a_row = columns;
    read.depth = keys;
    read.b = values.const_data_ptr<float>() + (n * hidden + h * w.head_dim) * keys;
    read.b_row = read.columns = w.head_dim;
    read.c = const_cast<float*>(g.a);
    read.c_row = 3 * hidden;
    read.rows = g.rows;
    cx.kernels.gemm(read);
  }

  void Put(int64_t task, const Packed& out, const FeatureMap& y) const {
    const int64_t n = task / blocks, first = task % blocks * kBlock;
    const int64_t rows = Rows(task % blocks), start = (n * x.pixels() + first) * x.step;
    std::copy_n(x.data + start, rows * x.step, y.data + start);
    Gemm g;
    g.a = Projected(n, first);
    g.a_row = 3 * hidden;
    g.depth = hidden;
    g.b = out.floats.const_data_ptr<float>();
    g.c = y.data + start;
    g.c_row = g.columns = y.step;
    g.rows = rows;
    g.bias = out.bias.const_data_ptr<float>();
    g.accumulate = true;
    cx.kernels.gemm(g);
  }

  // The learned keys (0) or values (1) of a head.
  const float* Memory(int64_t which, int64_t head, int64_t m) const {
    return w.memory.const_data_ptr<float>() + ((which * w.heads + head) * memories + m) * w.head_dim;
  }
};

}  // namespace

FeatureMap FullAttention(Context& cx, const FeatureMap& x, const AttentionWeights& w) {
  const FullAttentionOp op{cx, x, w};
  // Made before threads ask for them.
  RowsOf(cx, w.norm, x.channels);
  cx.weights.Convolution(w.to_qkv, {}, {{x.channels, x.step}}, 1, -1);
  const Packed& out = cx.weights.Convolution(w.to_out.weight, w.to_out.bias, {{op.hidden, op.hidden}}, 1, -1);
  const FeatureMap y = cx.NewFeatureMap(x.count, x.channels, x.height, x.width);
  const int64_t each = kBlock * std::max(x.step, op.columns);
  const Tensor scratch = cx.arena.Floats(at::get_num_threads() * each);
  const auto each_task = [&](int64_t count, const auto& work) {
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      float* own = scratch.data_ptr<float>() + at::get_thread_num() * each;
      for (int64_t task = begin; task < end; ++task) work(task, own);
    });
  };
  each_task(x.count * op.blocks, [&](int64_t task, float* own) { op.Project(task, own); });
  each_task(x.count * w.heads, [&](int64_t task, float*) { op.SetMemoryFormat(task); });
  each_task(x.count * w.heads * op.blocks, [&](int64_t task, float* own) { op.Attend(task, own); });
  each_task(x.count * op.blocks, [&](int64_t task, float*) { op.Put(task, out, y); });
  return y;
}

}  // namespace shinsaku::cpu
