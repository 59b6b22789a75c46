// Convolutions with stride 2 and their transposes: 3x3 convolutions between the smaller map and the four
// phases of the larger one, by Winograd's algorithm.
#include "core/ops/cpu/winograd.h"

namespace shinsaku::cpu {
namespace {

// Pixels of a tile that must be in the picture on average: fewer take longer than the kernel itself would.
constexpr int64_t kFull = 8;

// `phases` where its nine places hold every tap, and tiles over the smaller map are worth it.
std::optional<Phases> Worthwhile(const Phases& phases, int64_t height, int64_t width) {
  int64_t taps = 0;
  for (int64_t phase = 0; phase < 2; ++phase)
    for (int64_t place = 0; place < 3; ++place) taps += phases.Has(phase, place);
  // A smaller kernel has a tap or two in each phase.
  const bool large = phases.kernel >= 4;
  Tiles t;
  CutTiles(t, height, width);
  if (!large || taps != phases.kernel || height * width < kFull * t.tiles_each) return std::nullopt;
  return phases;
}

}  // namespace

bool Phases::Live(int64_t phase, int64_t frequency) const {
  // The first frequency of an axis is that of the first tap alone, the last one's of the last.
  const auto live = [&](int64_t of, int64_t f) { return f == 0 ? Has(of, 0) : f == 5 ? Has(of, 2) : true; };
  return live(phase / 2, frequency / 6) && live(phase % 2, frequency % 6);
}

std::optional<Phases> PhasesOfConv(int64_t kernel, int64_t stride, int64_t padding, int64_t height,
                                   int64_t width) {
  const int64_t more = kernel - 2 * padding;
  const bool halves = height % 2 == 0 && width % 2 == 0 && (more == 1 || more == 2);
  if (stride != 2 || !halves) return std::nullopt;
  return Worthwhile({false, kernel, padding}, height / 2, width / 2);
}

std::optional<Phases> PhasesOfTransposed(int64_t kernel, int64_t stride, int64_t padding,
                                         int64_t output_padding, int64_t height, int64_t width) {
  const bool doubles = kernel + output_padding - 2 * padding == 2;
  if (stride != 2 || !doubles) return std::nullopt;
  return Worthwhile({true, kernel, padding}, height, width);
}

void TakePhases(Tiles& t, const float* map, int64_t channels, int64_t width) {
  t.sources = kPhases;
  t.spread = 2;
  t.in = kPhases * channels;
  for (int64_t phase = 0; phase < kPhases; ++phase) {
    t.source[phase] = map + (phase / 2 * width + phase % 2) * channels;
    t.channels[phase] = channels;
  }
}

FeatureMap ConvPhased(Context& cx, const FeatureMap& x, const ConvWeights& w, const Phases& phases) {
  const int64_t outputs = w.weight.size(phases.output ? 1 : 0);
  const FeatureMap y = phases.output ? cx.NewFeatureMap(x.count, outputs, 2 * x.height, 2 * x.width)
                                     : cx.NewFeatureMap(x.count, outputs, x.height / 2, x.width / 2);
  const Packed& packed = cx.weights.Phased(w.weight, w.bias, {x.channels, x.step}, phases);
  Tiles t;
  if (phases.output) {
    t.source[0] = x.data;
    t.channels[0] = t.in = x.step;
    t.out = kPhases * y.step;
    t.out_spread = 2;
    CutTiles(t, x.height, x.width);
  } else {
    TakePhases(t, x.data, x.step, x.width);
    t.out = y.step;
    CutTiles(t, y.height, y.width);
  }
  t.zeros = cx.Zeros(x.step);
  t.bias = packed.bias.const_data_ptr<float>();
  t.output = y.data;
  WinogradWeights weights = WeightsOf(packed);
  weights.phases = phases;
  RunWinograd(cx, t, y.count, weights);
  return y;
}

}  // namespace shinsaku::cpu
