// 3x3 convolutions by Winograd's algorithm: how the work is cut into blocks and shared by threads. The cut
// never changes the order of a sum, so neither batch nor threads change a bit.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>

#include "core/ops/cpu/winograd.h"

namespace shinsaku::cpu {
namespace {

// Half of a core's second-level cache holds a block's transformed input and product, the rest weights.
int64_t BlockFloats() {
  static const int64_t floats = [] {
    const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return std::clamp<int64_t>(bytes, 256 << 10, 2 << 20) * 3 / 4 / static_cast<int64_t>(sizeof(float));
  }();
  return floats;
}

int64_t Up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Frequencies lie a cache line further apart than their rows need: at a power of two they would all fall on
// the same lines of the cache.
constexpr int64_t kApart = 16;

constexpr int64_t kTile = 4, kFrequencies = 36;

// For weights that are transformed as the product goes: input channels at a time, so that their transform
// stays in the cache, and tiles at a time, so that memory stays bounded.
constexpr int64_t kDepth = 128, kGroup = 256;

// Transforms `depth` rows from `k` on of the panel of `width` columns from `column` on.
void WeighPanel(Context& cx, const RawTaps& raw, int64_t in, int64_t column, int64_t width, int64_t k,
                int64_t depth, float* u, int64_t step, float* scratch) {
  Taps taps{raw.first + k * raw.row_step + column, raw.row_step, raw.tap_step};
  if (raw.panels) taps = {raw.first + (column * in + k * width) * 9, 9 * width, width};
  if (raw.row_step == 1) {
    for (int64_t tap = 0; tap < 9; ++tap)
      cx.kernels.transpose(raw.first + column * raw.column_step + tap * raw.tap_step + k, raw.column_step,
                           width, depth, scratch + tap * width, 9 * width);
    taps = {scratch, 9 * width, width};
  }
  cx.kernels.weigh(taps, depth, width, u, step);
}

struct Job {
  Context& cx;
  Tiles tiles;
  const float* weights;
  RawTaps raw;
  int64_t total;

  void Multiply(int64_t frequency, int64_t column, int64_t columns, int64_t rows, const float* v,
                float* m) const {
    Gemm g;
    g.a = v + frequency * tiles.in_step;
    g.a_row = g.depth = tiles.in;
    g.b = weights + frequency * tiles.in * tiles.out + column * tiles.in;
    g.c = m + frequency * tiles.out_step + column;
    g.c_row = tiles.out;
    g.rows = rows;
    g.columns = columns;
    cx.kernels.gemm(g);
  }

  void Reserve(int64_t rows) {
    tiles.in_row = tiles.in;
    tiles.in_step = rows * tiles.in + kApart;
    tiles.out_step = rows * tiles.out + kApart;
  }
  int64_t Floats() const { return kFrequencies * (tiles.in_step + tiles.out_step); }

  // Deep layers, where weights outweigh tiles: one block of all tiles, threads share frequencies and panels,
  // and each weight is read once.
  void ByWeights() {
    Reserve(total);
    const Tensor scratch = cx.arena.Floats(Floats());
    float* v = scratch.data_ptr<float>();
    float* m = v + kFrequencies * tiles.in_step;
    at::parallel_for(0, total, 1,
                     [&](int64_t begin, int64_t end) { cx.kernels.gather(tiles, 0, begin, end, v); });
    const int64_t panel = cx.kernels.panel, panels = Up(tiles.out, panel);
    at::parallel_for(0, kFrequencies * panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % panels * panel;
        Multiply(i / panels, column, std::min(panel, tiles.out - column), total, v, m);
      }
    });
    at::parallel_for(0, total, 1,
                     [&](int64_t begin, int64_t end) { cx.kernels.scatter(tiles, 0, begin, end, m); });
  }

  // Layers with the most weights: threads share panels, and transform a part of the panel's weights at a
  // time.
  void ByPanels() {
    const int64_t most = std::min(total, kGroup), panel = cx.kernels.panel;
    Reserve(most);
    const int64_t each = kFrequencies * (kDepth * panel + kApart) + kDepth * panel * 9;
    const Tensor scratch = cx.arena.Floats(Floats() + at::get_num_threads() * each);
    float* v = scratch.data_ptr<float>();
    float* m = v + kFrequencies * tiles.in_step;
    for (int64_t first = 0; first < total; first += most) {
      const int64_t rows = std::min(most, total - first);
      at::parallel_for(0, rows, 1, [&](int64_t a, int64_t b) { cx.kernels.gather(tiles, first, a, b, v); });
      at::parallel_for(0, Up(tiles.out, panel), 1, [&](int64_t begin, int64_t end) {
        float* own = m + kFrequencies * tiles.out_step + at::get_thread_num() * each;
        for (int64_t i = begin; i < end; ++i) Panel(i * panel, rows, v, own, m);
      });
      at::parallel_for(0, rows, 1, [&](int64_t a, int64_t b) { cx.kernels.scatter(tiles, first, a, b, m); });
    }
  }

  void Panel(int64_t column, int64_t rows, const float* v, float* u, float* m) const {
    const int64_t width = std::min(cx.kernels.panel, tiles.out - column);
    for (int64_t k = 0; k < tiles.in; k += kDepth) {
      const int64_t depth = std::min(kDepth, tiles.in - k), step = depth * width + kApart;
      WeighPanel(cx, raw, tiles.in, column, width, k, depth, u, step,
                 u + kFrequencies * (kDepth * cx.kernels.panel + kApart));
      for (int64_t f = 0; f < kFrequencies; ++f) {
        Gemm g;
        g.a = v + f * tiles.in_step + k;
        g.a_row = tiles.in;
        g.depth = depth;
        g.b = u + f * step;
        g.c = m + f * tiles.out_step + column;
        g.c_row = tiles.out;
        g.rows = rows;
        g.columns = width;
        g.accumulate = k > 0;
        cx.kernels.gemm(g);
      }
    }
  }

  // Shallow layers: blocks of tiles that fit the cache, each transformed, multiplied and put back by one
  // thread.
  void ByTiles() {
    const int64_t threads = at::get_num_threads();
    const int64_t most =
        std::max(BlockFloats() / (kFrequencies * (tiles.in + tiles.out)), 2 * cx.kernels.rows);
    const int64_t share = Up(total, threads);
    const int64_t block = Up(share, Up(share, most));
    Reserve(block);
    const int64_t each = Floats();
    const Tensor scratch = cx.arena.Floats(threads * each);
    float* all = scratch.data_ptr<float>();
    at::parallel_for(0, Up(total, block), 1, [&](int64_t begin, int64_t end) {
      float* v = all + at::get_thread_num() * each;
      float* m = v + kFrequencies * tiles.in_step;
      for (int64_t first = begin * block; first < std::min(end * block, total); first += block) {
        const int64_t rows = std::min(block, total - first);
        cx.kernels.gather(tiles, first, 0, rows, v);
        for (int64_t f = 0; f < kFrequencies; ++f) Multiply(f, 0, tiles.out, rows, v, m);
        cx.kernels.scatter(tiles, first, 0, rows, m);
      }
    });
  }
};

}  // namespace

void CutTiles(Tiles& t, int64_t height, int64_t width) {
  t.height = height;
  t.width = width;
  t.tiles_x = Up(width, kTile);
  t.tiles_each = t.tiles_x * Up(height, kTile);
}

void RunWinograd(Context& cx, const Tiles& tiles, int64_t count, const WinogradWeights& weights) {
  Job job{cx, tiles, weights.ready, weights.raw, count * tiles.tiles_each};
  if (!weights.ready) {
    job.ByPanels();
  } else if (tiles.in * tiles.out > job.total * (tiles.in + tiles.out)) {
    job.ByWeights();
  } else {
    job.ByTiles();
  }
}

Tensor TransformTaps(Context& cx, const RawTaps& raw, int64_t in, int64_t out) {
  const int64_t panel = cx.kernels.panel, parts = Up(in, kDepth), step = in * out;
  const Tensor floats = cx.arena.Floats(kFrequencies * step);
  const Tensor scratch = cx.arena.Floats(at::get_num_threads() * kDepth * panel * 9);
  at::parallel_for(0, Up(out, panel) * parts, 1, [&](int64_t begin, int64_t end) {
    float* own = scratch.data_ptr<float>() + at::get_thread_num() * kDepth * panel * 9;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i / parts * panel, width = std::min(panel, out - column);
      const int64_t k = i % parts * kDepth;
      WeighPanel(cx, raw, in, column, width, k, std::min(kDepth, in - k),
                 floats.data_ptr<float>() + column * in + k * width, step, own);
    }
  });
  return floats;
}

Map Conv3x3(Context& cx, const std::vector<Map>& sources, const ConvWeights& w, bool doubled) {
  Inputs inputs;
  for (const Map& source : sources) inputs.push_back({source.channels, source.step});
  const Packed& packed = cx.weights.Winograd(w.weight, w.bias, inputs);
  const Map& lead = sources.front();
  const Map y = cx.NewMap(lead.count, w.weight.size(0), lead.height << doubled, lead.width << doubled);
  Tiles t;
  t.shift = doubled ? 1 : 0;
  t.sources = static_cast<int>(sources.size());
  int64_t widest = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    t.source[i] = sources[i].data;
    t.channels[i] = sources[i].step;
    t.in += sources[i].step;
    widest = std::max(widest, sources[i].step);
  }
  t.out = y.step;
  CutTiles(t, y.height, y.width);
  t.zeros = cx.Zeros(widest);
  t.bias = packed.bias.const_data_ptr<float>();
  t.output = y.data;
  const float* floats = packed.floats.const_data_ptr<float>();
  WinogradWeights weights;
  if (packed.late) {
    weights.raw = {floats, 0, 0, 0, true};
  } else {
    weights.ready = floats;
  }
  RunWinograd(cx, t, y.count, weights);
  return y;
}

}  // namespace shinsaku::cpu
