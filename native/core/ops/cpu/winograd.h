// 3x3 convolutions by Winograd's F(4x4, 3x3), whatever form their weights come in.
#pragma once

#include "core/ops/cpu/context.h"

namespace shinsaku::cpu {

// Weights that are transformed as the product goes: taps for rows of input by columns of output channels.
struct RawTaps {
  const float* first = nullptr;
  int64_t row_step = 0, tap_step = 0, column_step = 0;  // floats; one of rows and columns lies side by side
  bool panels = false;                                  // Packed::late: [panel][in][9][columns of the panel]
};

struct WinogradWeights {
  const float* ready = nullptr;  // transformed: [frequency][panel][in][columns of the panel]
  RawTaps raw;                   // where they are not
};

// What Tiles says of pictures of `height` x `width`.
void CutTiles(Tiles& t, int64_t height, int64_t width);
// Convolves `count` pictures.
void RunWinograd(Context& cx, const Tiles& tiles, int64_t count, const WinogradWeights& weights);
// The weights of a layer of in x out channels, transformed now.
Tensor TransformTaps(Context& cx, const RawTaps& raw, int64_t in, int64_t out);
// w [out][9][in] (+)= the gradient of the weights: `x` reads the input (`in` channels), `dy` the gradient of
// the result (its `in`).
void WinogradWeightGradient(Context& cx, const Tiles& x, const Tiles& dy, int64_t count, float* w);

}  // namespace shinsaku::cpu
