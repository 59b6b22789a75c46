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
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#ifdef __aarch64__
    if (bytes <= 0) bytes = 1 << 20;  // glibc cannot tell; cores of servers and of Macs have this or more
#endif
    return std::clamp<int64_t>(bytes, 256 << 10, 2 << 20) * 3 / 4 / static_cast<int64_t>(sizeof(float));
  }();
  return floats;
}

int64_t Up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Frequencies lie a cache line further apart than their rows need: at a power of two they would all fall on
// the same lines of the cache.
constexpr int64_t kApart = 16;

constexpr int64_t kTile = 4;

// For weights that are transformed as the product goes: input channels at a time, so that their transform
// stays in the cache, and tiles at a time, so that memory stays bounded.
constexpr int64_t kDepth = 128, kGroup = 256;

// Channels of one phase on the side that has them; all channels of a side that has none.
int64_t Each(const std::optional<Phases>& phases, bool output, int64_t channels) {
  return phases && phases->output == output ? channels / kPhases : channels;
}

// Pieces of the input channels, [first, count]; none reaches into another phase.
std::vector<std::pair<int64_t, int64_t>> Pieces(const std::optional<Phases>& phases, int64_t in) {
  const int64_t each = Each(phases, false, in);
  std::vector<std::pair<int64_t, int64_t>> pieces;
  for (int64_t k = 0; k < in; k += pieces.back().second)
    pieces.emplace_back(k, std::min(kDepth, each - k % each));
  return pieces;
}

// Transforms `depth` rows from `k` on of the panel of `width` columns from `column` on.
void WeighPanel(Context& cx, const WinogradWeights& weights, int64_t in, int64_t out, int64_t column,
                int64_t width, int64_t k, int64_t depth, float* u, int64_t step, float* scratch) {
  const RawTaps& raw = weights.raw;
  if (raw.panels) {
    const Taps taps{raw.first + (column * in + k * width) * 9, 9 * width, 3 * width, width};
    return cx.kernels.transform_weights(taps, depth, width, u, step);
  }
  Taps taps{raw.first, raw.row_step, raw.y_step, raw.x_step};
  if (const auto& phases = weights.phases) {
    const int64_t each = Each(phases, phases->output, phases->output ? out : in);
    int64_t& phased = phases->output ? column : k;
    phases->Narrow(taps, phased / each);
    phased %= each;
  }
  taps.first += k * raw.row_step + column * raw.column_step;
  if (raw.row_step == 1) {
    for (int64_t tap = 0; tap < 9; ++tap)
      if (!(taps.absent >> tap & 1))
        cx.kernels.transpose(taps.first + tap / 3 * taps.y_step + tap % 3 * taps.x_step, raw.column_step,
                             width, depth, scratch + tap * width, 9 * width);
    taps = {scratch, 9 * width, 3 * width, width, taps.absent};
  }
  cx.kernels.transform_weights(taps, depth, width, u, step);
}

// Tiles whose pixels are put back and finished together: few enough for the first-level cache.
constexpr int64_t kTogether = 8;

struct WinogradOp {
  Context& cx;
  Tiles tiles;
  WinogradWeights weights;
  int64_t total;
  const Pass& after;
  std::vector<int64_t> live = FrequenciesWhere(false), silent = FrequenciesWhere(true);

  std::vector<int64_t> FrequenciesWhere(bool are_silent) const {
    std::vector<int64_t> found;
    for (int64_t f = 0; f < kFrequencies; ++f)
      if (IsZeroFrequency(tiles, f) == are_silent) found.push_back(f);
    return found;
  }

  // Whether any of these channels of the side with phases has the frequency.
  bool Live(int64_t frequency, int64_t each, int64_t first, int64_t count) const {
    for (int64_t phase = first / each; phase * each < first + count; ++phase)
      if (weights.phases->Live(phase, frequency)) return true;
    return false;
  }
  bool HasResult(int64_t frequency, int64_t column, int64_t width) const {
    const auto& phases = weights.phases;
    return !phases || !phases->output || Live(frequency, tiles.out / kPhases, column, width);
  }
  bool HasInput(int64_t frequency, int64_t k, int64_t depth) const {
    const auto& phases = weights.phases;
    return !phases || phases->output || Live(frequency, tiles.in / kPhases, k, depth);
  }

  // What `g` lacks: where its factor and its result are, for rows of tiles and a panel, or columns without
  // phases.
  void Product(Gemm& g, int64_t frequency, int64_t column, int64_t columns, int64_t k, const float* v,
               float* m) const {
    g.a = v + frequency * tiles.in_step + k;
    g.a_row = tiles.in;
    g.c = m + frequency * tiles.out_step + column;
    g.c_row = tiles.out;
    g.columns = columns;
    cx.kernels.gemm(g);
  }

  void Clear(int64_t frequency, int64_t column, int64_t width, int64_t rows, float* m) const {
    for (int64_t r = 0; r < rows; ++r)
      std::fill_n(m + frequency * tiles.out_step + r * tiles.out + column, width, 0.0F);
  }

  // `once`: the weights come from memory for these rows alone.
  void Multiply(int64_t frequency, int64_t column, int64_t columns, int64_t rows, const float* v, float* m,
                bool once = false) const {
    const float* ready = weights.ready + frequency * tiles.in * tiles.out;
    Gemm g;
    g.rows = rows;
    if (!weights.phases) {
      g.depth = tiles.in;
      g.b = ready + column * tiles.in;
      g.ahead_step = std::min(cx.kernels.panel, columns);
      if (once) g.ahead = g.b + g.depth * g.ahead_step;
      return Product(g, frequency, column, columns, 0, v, m);
    }
    const int64_t each = Each(weights.phases, false, tiles.in);
    for (int64_t n = column; n < column + columns; n += cx.kernels.panel) {
      const int64_t width = std::min(cx.kernels.panel, column + columns - n);
      g.accumulate = false;
      for (int64_t k = 0; k < tiles.in; k += each) {
        if (!HasResult(frequency, n, width) || !HasInput(frequency, k, each)) continue;
        g.depth = each;
        g.b = ready + n * tiles.in + k * width;
        Product(g, frequency, n, width, k, v, m);
        g.accumulate = true;
      }
      if (!g.accumulate) Clear(frequency, n, width, rows, m);
    }
  }

  // IsZeroFrequency frequencies of the product, for rows of tiles from `row` on.
  void ClearSilent(int64_t row, int64_t rows, float* m) const {
    for (const int64_t f : silent)
      std::fill_n(m + f * tiles.out_step + row * tiles.out, rows * tiles.out, 0.0F);
  }

  // Puts tiles [begin, end) of those from `first` on back into the picture.
  void Put(int64_t first, int64_t begin, int64_t end, const float* m) const {
    if (!after) return cx.kernels.transform_output(tiles, first, begin, end, m);
    while (begin < end) {
      const int64_t tile = first + begin, rest = tile % tiles.tiles_each, column = rest % tiles.tiles_x;
      const int64_t run = std::min({kTogether, tiles.tiles_x - column, end - begin});
      cx.kernels.transform_output(tiles, first, begin, begin + run, m);
      const int64_t x = column * kTile, width = std::min(run * kTile, tiles.width - x);
      const int64_t top = rest / tiles.tiles_x * kTile, bottom = std::min(top + kTile, tiles.height);
      for (int64_t y = top; y < bottom; ++y) after(tile / tiles.tiles_each, y * tiles.width + x, width);
      begin += run;
    }
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
    at::parallel_for(0, total, 1, [&](int64_t begin, int64_t end) {
      cx.kernels.transform_input(tiles, 0, begin, end, v);
      ClearSilent(begin, end - begin, m);
    });
    const int64_t panel = cx.kernels.panel, panels = Up(tiles.out, panel);
    at::parallel_for(0, std::ssize(live) * panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % panels * panel;
        Multiply(live[i / panels], column, std::min(panel, tiles.out - column), total, v, m, true);
      }
    });
    at::parallel_for(0, total, 1, [&](int64_t begin, int64_t end) { Put(0, begin, end, m); });
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
      at::parallel_for(0, rows, 1,
                       [&](int64_t a, int64_t b) { cx.kernels.transform_input(tiles, first, a, b, v); });
      at::parallel_for(0, Up(tiles.out, panel), 1, [&](int64_t begin, int64_t end) {
        float* own = m + kFrequencies * tiles.out_step + at::get_thread_num() * each;
        for (int64_t i = begin; i < end; ++i) Panel(i * panel, rows, v, own, m);
      });
      at::parallel_for(0, rows, 1, [&](int64_t a, int64_t b) { Put(first, a, b, m); });
    }
  }

  void Panel(int64_t column, int64_t rows, const float* v, float* u, float* m) const {
    const int64_t width = std::min(cx.kernels.panel, tiles.out - column);
    bool begun[kFrequencies] = {};
    for (const auto& [k, depth] : Pieces(weights.phases, tiles.in)) {
      const int64_t step = depth * width + kApart;
      WeighPanel(cx, weights, tiles.in, tiles.out, column, width, k, depth, u, step,
                 u + kFrequencies * (kDepth * cx.kernels.panel + kApart));
      for (const int64_t f : live) {
        if (!HasResult(f, column, width) || !HasInput(f, k, depth)) continue;
        Gemm g;
        g.rows = rows;
        g.depth = depth;
        g.b = u + f * step;
        g.accumulate = begun[f];
        if (weights.raw.panels) {
          // The next piece's taps, which lie behind this one's: a share with each frequency.
          g.ahead_step = width * 9 / kFrequencies;
          g.ahead =
              weights.raw.first + (column * tiles.in + (k + depth) * width) * 9 + f * depth * g.ahead_step;
        }
        Product(g, f, column, width, k, v, m);
        begun[f] = true;
      }
    }
    for (int64_t f = 0; f < kFrequencies; ++f)
      if (!begun[f]) Clear(f, column, width, rows, m);
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
      ClearSilent(0, block, m);
      for (int64_t first = begin * block; first < std::min(end * block, total); first += block) {
        const int64_t rows = std::min(block, total - first);
        cx.kernels.transform_input(tiles, first, 0, rows, v);
        for (const int64_t f : live) Multiply(f, 0, tiles.out, rows, v, m);
        Put(first, 0, rows, m);
      }
    });
  }
};

}  // namespace

WinogradWeights WeightsOf(const Packed& packed) {
  const float* floats = packed.floats.const_data_ptr<float>();
  WinogradWeights weights;
  if (packed.untransformed) {
    weights.raw.first = floats;
    weights.raw.panels = true;
  } else {
    weights.ready = floats;
  }
  return weights;
}

void CutTiles(Tiles& t, int64_t height, int64_t width) {
  t.height = height;
  t.width = width;
  t.tiles_x = Up(width, kTile);
  t.tiles_each = t.tiles_x * Up(height, kTile);
}

void RunWinograd(Context& cx, const Tiles& tiles, int64_t count, const WinogradWeights& weights,
                 const Pass& after) {
  WinogradOp op{cx, tiles, weights, count * tiles.tiles_each, after};
  if (!weights.ready) {
    op.ByPanels();
  } else if (tiles.in * tiles.out > op.total * (tiles.in + tiles.out)) {
    op.ByWeights();
  } else {
    op.ByTiles();
  }
}

Tensor TransformTaps(Context& cx, const WinogradWeights& weights, int64_t in, int64_t out) {
  const int64_t panel = cx.kernels.panel, step = in * out;
  const auto pieces = Pieces(weights.phases, in);
  const auto parts = static_cast<int64_t>(pieces.size());
  const Tensor floats = cx.arena.Floats(kFrequencies * step);
  const Tensor scratch = cx.arena.Floats(at::get_num_threads() * kDepth * panel * 9);
  at::parallel_for(0, Up(out, panel) * parts, 1, [&](int64_t begin, int64_t end) {
    float* own = scratch.data_ptr<float>() + at::get_thread_num() * kDepth * panel * 9;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i / parts * panel, width = std::min(panel, out - column);
      const auto [k, depth] = pieces[static_cast<size_t>(i % parts)];
      WeighPanel(cx, weights, in, out, column, width, k, depth,
                 floats.data_ptr<float>() + column * in + k * width, step, own);
    }
  });
  return floats;
}

FeatureMap Conv3x3(Context& cx, const std::vector<FeatureMap>& sources, const ConvWeights& w, bool doubled,
                   const std::function<Pass(const FeatureMap&)>& then) {
  Inputs inputs;
  for (const FeatureMap& source : sources) inputs.push_back({source.channels, source.step});
  const Packed& packed = cx.weights.Winograd(w.weight, w.bias, inputs);
  const FeatureMap& lead = sources.front();
  const FeatureMap y =
      cx.NewFeatureMap(lead.count, w.weight.size(0), lead.height << doubled, lead.width << doubled);
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
  RunWinograd(cx, t, y.count, WeightsOf(packed), then ? then(y) : Pass{});
  return y;
}

}  // namespace shinsaku::cpu
