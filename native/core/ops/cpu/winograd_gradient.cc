// The weight gradient of 3x3 convolutions by Winograd: a product of transformed input and gradient for each
// frequency, summed over tiles in pieces that stay in the cache.
#include <ATen/Parallel.h>

#include <algorithm>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/cpu/winograd.h"

namespace shinsaku::cpu {
namespace {

constexpr int64_t kFrequencies = 36;
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

struct Job {
  Context& cx;
  Tiles x, dy;
  float* w;
  int64_t total;
  int64_t in = x.in, out = dy.in, panel = cx.kernels.panel;

  void Reserve(int64_t tiles) {
    x.in_row = in + kApart;
    dy.in_row = out + kApart;
    x.in_step = tiles * x.in_row;
    dy.in_step = tiles * dy.in_row;
  }

  // u [rows][width] (+)= the product of frequency f over `depth` tiles, from output `row` and input `column`
  // on.
  void Multiply(int64_t f, int64_t row, int64_t rows, int64_t column, int64_t width, int64_t depth,
                const float* v, const float* z, float* u, int64_t u_row, bool accumulate) const {
    Gemm g;
    g.a = z + f * dy.in_step + row;
    g.a_row = 1;
    g.a_column = dy.in_row;
    g.depth = depth;
    g.b = v + f * x.in_step + column;
    g.b_row = x.in_row;
    g.c = u;
    g.c_row = u_row;
    g.columns = width;
    g.rows = rows;
    g.accumulate = accumulate;
    cx.kernels.gemm(g);
  }

  // Threads share tiles: for layers with few weights and many tiles.
  void ByTiles() {
    Reserve(kOwnTiles);
    const int64_t threads = at::get_num_threads(), share = Up(total, threads), step = out * in + kApart;
    const int64_t each = kFrequencies * (x.in_step + dy.in_step + step);
    const Tensor scratch = cx.arena.Floats(threads * (each + 9 * in * out));
    float* all = scratch.data_ptr<float>();
    float* sums = all + threads * each;
    at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        float* v = all + t * each;
        float* z = v + kFrequencies * x.in_step;
        float* u = z + kFrequencies * dy.in_step;
        float* own = sums + t * 9 * in * out;
        const int64_t start = t * share, stop = std::min(start + share, total);
        for (int64_t first = start; first < stop; first += kOwnTiles) {
          const int64_t depth = std::min(kOwnTiles, stop - first);
          cx.kernels.gather(x, first, 0, depth, v);
          cx.kernels.expand(dy, first, 0, depth, z);
          for (int64_t f = 0; f < kFrequencies; ++f)
            Multiply(f, 0, out, 0, in, depth, v, z, u + f * step, in, first > start);
        }
        if (start < stop) {
          cx.kernels.unweigh(u, step, out, in, own, 9 * in, in, false);
        } else {
          std::fill_n(own, 9 * in * out, 0.0F);
        }
      }
    });
    JoinThreads(sums, 9 * in * out, threads);
    std::copy_n(sums, 9 * in * out, w);
  }

  // Threads share weights.
  void ByWeights() {
    const int64_t pieces = Up(total, std::max<int64_t>(kPiece / (kFrequencies * (in + out)), 32));
    const int64_t most = Up(total, pieces), step = kRows * panel + kApart, each = kFrequencies * step;
    Reserve(most);
    const Tensor scratch =
        cx.arena.Floats(kFrequencies * (x.in_step + dy.in_step) + at::get_num_threads() * each);
    float* v = scratch.data_ptr<float>();
    float* z = v + kFrequencies * x.in_step;
    float* own = z + kFrequencies * dy.in_step;
    const int64_t row_blocks = Up(out, kRows);
    for (int64_t first = 0; first < total; first += most) {
      const int64_t depth = std::min(most, total - first);
      at::parallel_for(0, depth, 1, [&](int64_t a, int64_t b) {
        cx.kernels.gather(x, first, a, b, v);
        cx.kernels.expand(dy, first, a, b, z);
      });
      at::parallel_for(0, Up(in, panel) * row_blocks, 1, [&](int64_t begin, int64_t end) {
        float* u = own + at::get_thread_num() * each;
        for (int64_t i = begin; i < end; ++i) {
          const int64_t column = i / row_blocks * panel, row = i % row_blocks * kRows;
          const int64_t width = std::min(panel, in - column), rows = std::min(kRows, out - row);
          for (int64_t f = 0; f < kFrequencies; ++f)
            Multiply(f, row, rows, column, width, depth, v, z, u + f * step, width, false);
          cx.kernels.unweigh(u, step, rows, width, w + row * 9 * in + column, 9 * in, in, first > 0);
        }
      });
    }
  }
};

}  // namespace

void WinogradWeightGradient(Context& cx, const Tiles& x, const Tiles& dy, int64_t count, float* w) {
  Job job{cx, x, dy, w, count * x.tiles_each};
  if (x.in * dy.in <= kFewPairs) {
    job.ByTiles();
  } else {
    job.ByWeights();
  }
}

}  // namespace shinsaku::cpu
