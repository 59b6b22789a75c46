// 3x3 convolutions by Winograd's F(4x4, 3x3), whatever form their weights come in.
#pragma once

#include <optional>

#include "core/ops/cpu/context.h"

namespace shinsaku::cpu {

// A kernel with stride 2 as 3x3 kernels over maps of half the size: one for each phase of the larger map.
// Where a kernel of a phase has no first or last tap, one frequency of Winograd's is zero: of a 4x4 kernel's
// 144 products 100 are left, where the kernel itself takes 256.
struct Phases {
  bool output;              // of the result, by a transposed convolution; else of the input
  int64_t kernel, padding;  // of the convolution

  // The tap of the kernel that stands at `place` (0..2) along one axis of phase 0 or 1; none may be there.
  int64_t Tap(int64_t phase, int64_t place) const {
    return phase + padding + (output ? 2 - 2 * place : 2 * place - 2);
  }
  bool Has(int64_t phase, int64_t place) const {
    const int64_t tap = Tap(phase, place);
    return tap >= 0 && tap < kernel;
  }
  // Whether phase (y, x) of 0..3 has this frequency.
  bool Live(int64_t phase, int64_t frequency) const;
  // Taps of the kernel, as steps from its first one on, become those of phase (y, x).
  template <typename Float>
  void Narrow(TapsOf<Float>& taps, int64_t phase) const {
    taps.first += Tap(phase / 2, 0) * taps.y_step + Tap(phase % 2, 0) * taps.x_step;
    taps.y_step *= output ? -2 : 2;
    taps.x_step *= output ? -2 : 2;
    for (int64_t tap = 0; tap < 9; ++tap)
      if (!Has(phase / 2, tap / 3) || !Has(phase % 2, tap % 3)) taps.absent |= 1U << tap;
  }
};
// Of a square kernel over a map of `height` x `width`; none where it does not fit, or its tiles would be
// almost empty.
std::optional<Phases> PhasesOfConv(int64_t kernel, int64_t stride, int64_t padding, int64_t height,
                                   int64_t width);
std::optional<Phases> PhasesOfTransposed(int64_t kernel, int64_t stride, int64_t padding,
                                         int64_t output_padding, int64_t height, int64_t width);

// Weights that are transformed as the product goes: taps for rows of input by columns of output channels.
struct RawTaps {
  const float* first = nullptr;
  // Floats; one of rows and columns lies side by side. With phases, steps of their kernel.
  int64_t row_step = 0, y_step = 0, x_step = 0, column_step = 0;
  bool panels = false;  // Packed::untransformed: [panel][in][9][columns of the panel]
};

struct WinogradWeights {
  const float* ready = nullptr;  // transformed: [frequency][panel][in][columns of the panel]
  RawTaps raw;                   // where they are not
  std::optional<Phases> phases;  // of what Tiles says is spread; in raw taps, each of whole panels
};

// Whether a frequency counts for nothing. Where pixels are read as 2x2, the third one of an axis (of the
// point -1) is a difference of equal numbers; where 2x2 are added up, it falls out of the sum. 25 of 36 are
// left.
inline bool IsZeroFrequency(const Tiles& t, int64_t frequency) {
  return (t.shift || t.out_shift) && (frequency / 6 == 2 || frequency % 6 == 2);
}

// As they are kept for drawing.
WinogradWeights WeightsOf(const Packed& packed);

// What Tiles says of pictures of `height` x `width`.
void CutTiles(Tiles& t, int64_t height, int64_t width);
// The phases of a map of twice the size as sources.
void TakePhases(Tiles& t, const float* map, int64_t channels, int64_t width);
// Convolves `count` pictures; `after` is done with pixels of the result by the thread that wrote them.
void RunWinograd(Context& cx, const Tiles& tiles, int64_t count, const WinogradWeights& weights,
                 const Pass& after = {});
// Raw weights of a layer of in x out channels, transformed now.
Tensor TransformTaps(Context& cx, const WinogradWeights& weights, int64_t in, int64_t out);
// w [out][9][in] = the gradient of the weights: `x` reads the input (`in` channels), `dy` the gradient of
// the result (its `in`). With phases of either, w [channels of the other][kernel][kernel][channels of a
// phase].
void WinogradWeightGradient(Context& cx, const Tiles& x, const Tiles& dy, int64_t count,
                            const std::optional<Phases>& phases, float* w);

// A convolution with stride 2, or a transposed one.
FeatureMap ConvPhased(Context& cx, const FeatureMap& x, const ConvWeights& w, const Phases& phases);

}  // namespace shinsaku::cpu
