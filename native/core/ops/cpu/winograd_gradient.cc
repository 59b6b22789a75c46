// The weight gradient of 3x3 convolutions by Winograd: a product of transformed input and gradient for each
// frequency, summed over tiles in pieces that stay in the cache.
#include <ATen/Parallel.h>

#include <algorithm>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/cpu/winograd.h"

namespace shinsaku::cpu {
namespace {

// Tiles lie a cache line further apart than they need: products read them across, and at a power of two they
// would all fall on the same lines of the cache.
constexpr int64_t kApart = 16;
// Up to how many pairs of channels each thread keeps a transformed gradient of its own.
constexpr int64_t kFewPairs = 64 * 128;
constexpr int64_t kOwnTiles = 32;  // that such a thread takes at a time
// Floats of both transforms of a piece that all threads share: what two cores' caches hold.
constexpr int64_t kPiece = 1 << 20;
constexpr int64_t kRows = 24;  // output channels at a time, whole tiles of both products

int64_t Up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// One factor of the product: the input, or the gradient of the result.
struct Side {
  Tiles tiles;
  void (*transform)(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v);
};

struct WinogradGradientOp {
  Context& cx;
  Side rows, columns;            // channels of the weight's first dimension, and of its last
  std::optional<Phases> phases;  // of `columns`
  float* w;
  int64_t total;
  int64_t out = rows.tiles.in, in = columns.tiles.in, panel = cx.kernels.panel;
  int64_t each = phases ? in / kPhases : in;   // columns of a phase
  int64_t side = phases ? phases->kernel : 3;  // of the kernel

  void Reserve(int64_t tiles) {
    for (Tiles* t : {&rows.tiles, &columns.tiles}) {
      t->in_row = t->in + kApart;
      t->in_step = tiles * t->in_row;
    }
  }
  int64_t Floats() const { return kFrequencies * (rows.tiles.in_step + columns.tiles.in_step); }

  // u [rows][width] (+)= the product of frequency f over `depth` tiles, from `row` and `column` on.
  void Multiply(int64_t f, int64_t row, int64_t count, int64_t column, int64_t width, int64_t depth,
                const float* r, const float* c, float* u, int64_t u_row, bool accumulate) const {
    Gemm g;
    g.a = r + f * rows.tiles.in_step + row;
    g.a_row = 1;
    g.a_column = rows.tiles.in_row;
    g.depth = depth;
    g.b = c + f * columns.tiles.in_step + column;
    g.b_row = columns.tiles.in_row;
    g.c = u;
    g.c_row = u_row;
    g.columns = width;
    g.rows = count;
    g.accumulate = accumulate;
    cx.kernels.gemm(g);
  }

  // Where the taps of `row` and `column` are in `first`, which is as large as w.
  TapsOf<float> TapsAt(float* first, int64_t row, int64_t column) const {
    TapsOf<float> to{first + row * side * side * each + column % each, side * side * each, side * each, each};
    if (phases) phases->Narrow(to, column / each);
    return to;
  }

  // Threads share tiles: for layers with few weights and many tiles.
  void ByTiles() {
    Reserve(kOwnTiles);
    const int64_t threads = at::get_num_threads(), share = Up(total, threads), step = out * in + kApart;
    const int64_t own_floats = Floats() + kFrequencies * step, weights = side * side * each * out;
    const Tensor scratch = cx.arena.Floats(threads * (own_floats + weights));
    float* all = scratch.data_ptr<float>();
    float* sums = all + threads * own_floats;
    at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        float* r = all + t * own_floats;
        float* c = r + kFrequencies * rows.tiles.in_step;
        float* u = c + kFrequencies * columns.tiles.in_step;
        float* own = sums + t * weights;
        const int64_t start = t * share, stop = std::min(start + share, total);
        for (int64_t first = start; first < stop; first += kOwnTiles) {
          const int64_t depth = std::min(kOwnTiles, stop - first);
          rows.transform(rows.tiles, first, 0, depth, r);
          columns.transform(columns.tiles, first, 0, depth, c);
          for (int64_t f = 0; f < kFrequencies; ++f)
            if (!IsZeroFrequency(columns.tiles, f))
              Multiply(f, 0, out, 0, in, depth, r, c, u + f * step, in, first > start);
        }
        for (int64_t f = 0; f < kFrequencies; ++f)
          if (IsZeroFrequency(columns.tiles, f)) std::fill_n(u + f * step, out * in, 0.0F);
        if (start >= stop) {
          std::fill_n(own, weights, 0.0F);
          continue;
        }
        for (int64_t column = 0; column < in; column += each)
          cx.kernels.transform_weight_gradient(u + column, step, in, out, each, TapsAt(own, 0, column),
                                               false);
      }
    });
    JoinThreads(sums, weights, threads);
    std::copy_n(sums, weights, w);
  }

  // Threads share weights.
  void ByWeights() {
    const int64_t pieces = Up(total, std::max<int64_t>(kPiece / (kFrequencies * (in + out)), 32));
    const int64_t most = Up(total, pieces), step = kRows * panel + kApart, own_floats = kFrequencies * step;
    Reserve(most);
    const Tensor scratch = cx.arena.Floats(Floats() + at::get_num_threads() * own_floats);
    float* r = scratch.data_ptr<float>();
    float* c = r + kFrequencies * rows.tiles.in_step;
    float* own = c + kFrequencies * columns.tiles.in_step;
    const int64_t row_blocks = Up(out, kRows);
    for (int64_t first = 0; first < total; first += most) {
      const int64_t depth = std::min(most, total - first);
      at::parallel_for(0, depth, 1, [&](int64_t a, int64_t b) {
        rows.transform(rows.tiles, first, a, b, r);
        columns.transform(columns.tiles, first, a, b, c);
      });
      at::parallel_for(0, Up(in, panel) * row_blocks, 1, [&](int64_t begin, int64_t end) {
        float* u = own + at::get_thread_num() * own_floats;
        for (int64_t i = begin; i < end; ++i) {
          const int64_t column = i / row_blocks * panel, row = i % row_blocks * kRows;
          const int64_t width = std::min(panel, in - column), count = std::min(kRows, out - row);
          for (int64_t f = 0; f < kFrequencies; ++f) {
            if (IsZeroFrequency(columns.tiles, f) || (phases && !phases->Live(column / each, f))) {
              // It is zero, or no tap takes anything from it.
              std::fill_n(u + f * step, count * width, 0.0F);
            } else {
              Multiply(f, row, count, column, width, depth, r, c, u + f * step, width, false);
            }
          }
          cx.kernels.transform_weight_gradient(u, step, width, count, width, TapsAt(w, row, column),
                                               first > 0);
        }
      });
    }
  }
};

}  // namespace

void WinogradWeightGradient(Context& cx, const Tiles& x, const Tiles& dy, int64_t count,
                            const std::optional<Phases>& phases, float* w) {
  Side input{x, cx.kernels.transform_input}, gradient{dy, cx.kernels.transform_gradient};
  if (phases && phases->output) std::swap(input, gradient);
  WinogradGradientOp op{cx, gradient, input, phases, w, count * x.tiles_each};
  if (x.in * dy.in <= kFewPairs) {
    op.ByTiles();
  } else {
    op.ByWeights();
  }
}

}  // namespace shinsaku::cpu
