// Differentiable operations of the training set. Maps are channels-last tensors [N,C,H,W]; channels are whole
// vectors (Fits). Weights may change from one call to the next.
#pragma once

#include "core/ops/cpu/context.h"
#include "core/ops/cpu/style.h"
#include "core/ops/cpu/winograd.h"

namespace shinsaku::cpu {

// An empty map of this set.
Tensor NewRows(int64_t count, int64_t channels, int64_t height, int64_t width);
// `x` itself, or a copy with its channels side by side.
Tensor AsRows(const Tensor& x);
// The tensor as the forward set's kernels read it.
FeatureMap MapOfRows(const Tensor& x);
// Adds each thread's own `floats` that are left, thread by thread, to the first's.
void JoinThreads(float* own, int64_t floats, int64_t threads);
// Sums of each column of [rows][width].
Tensor ColumnSums(Context& cx, const float* x, int64_t rows, int64_t width);

// What reads `x` at 1/2^shift of the size.
Tiles TilesOf(const Tensor& x, int shift, const float* zeros);
// RunWinograd() with raw weights, which are transformed before or within the product, as it pays.
void TrainWinograd(Context& cx, const Tiles& tiles, int64_t count, WinogradWeights weights);

// 3x3, stride 1, padding 1; `doubled` reads each pixel as 2x2. The weight's channels lie side by side.
Tensor TrainConv3x3(Context& cx, const Tensor& x, const ConvWeights& w, bool doubled);
// With stride 2, or transposed where the phases are the result's. The weight's second channels lie side by
// side, and are whole panels; the others whole vectors.
Tensor TrainPhased(Context& cx, const Tensor& x, const ConvWeights& w, const Phases& phases);
// 1x1.
Tensor TrainPointwise(Context& cx, const Tensor& x, const ConvWeights& w);
// The concatenation over channels.
Tensor TrainJoin(const Tensor& a, const Tensor& b);

struct TrainNormEpilogue {
  Tensor scale, shift;  // FiLM [N,C,1,1] or undefined
  bool silu = false;
  Tensor residual;  // added at the end, or undefined
};
Tensor TrainNorm(Context& cx, const Tensor& x, const NormWeights& w, const TrainNormEpilogue& end);

// Linear attention between its pre-norm and its output projection: x [N,C,H,W] to [N,heads*head_dim,H,W].
Tensor TrainLinearAttention(Context& cx, const Tensor& normed, const AttentionWeights& w);

// Each channel by the filter; has every derivative.
Tensor TrainResample(const Tensor& x, const Resampling& how, int64_t height, int64_t width);
Tensor TrainStyled(const Tensor& x, const StyledEnd& end);

// Panels of the transposed weight [out][in], for products with rows of `in` floats.
void PackAcross(const Kernels& kernels, const float* w, int64_t in, int64_t out, float* packed);
// c [rows][b's columns] = a [rows][depth] b, in blocks of rows on all threads; b in panels where b_row is 0.
void Product(const Kernels& kernels, const float* a, int64_t rows, int64_t depth, const float* b,
             int64_t b_row, const float* bias, float* c, int64_t columns);
// The gradient of a 1x1 weight: dw [out][in] = dy^T x over all rows.
void PointwiseWeightGradient(Context& cx, const float* x, const float* dy, int64_t rows, int64_t in,
                             int64_t out, float* dw);

}  // namespace shinsaku::cpu
