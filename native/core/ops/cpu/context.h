// What the cpu set's operations share, and the form in which maps go from one to the next.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "core/ops/cpu/arena.h"
#include "core/ops/cpu/kernels.h"
#include "core/ops/cpu/weights.h"
#include "core/ops/ops.h"

namespace shinsaku::cpu {

// A map [N,C,H,W] of this set lies in memory as [N][H][W][width]: width is C padded with zeros to whole
// vectors.
struct FeatureMap {
  Tensor tensor;  // sizes [N,C,H,W], strides of that layout
  float* data;
  int64_t count, channels, height, width, step;  // step: floats of a pixel
  int64_t pixels() const { return height * width; }
};

struct Context {
  explicit Context(const Kernels& table) : kernels(table), weights(table) {}

  const Kernels& kernels;
  Arena arena;
  Weights weights;
  std::vector<std::pair<Tensor, std::vector<Tensor>>> joined;  // what Concat() stands for

  void Begin();
  FeatureMap NewFeatureMap(int64_t count, int64_t channels, int64_t height, int64_t width);
  // Whether `x` lies in memory as this set's maps do.
  bool IsMap(const Tensor& x) const;
  // `x` as a map of this set: itself, or a copy of what came from elsewhere.
  FeatureMap MapOf(const Tensor& x);
  // The maps that `x` is the concatenation of; `x` alone if it is none.
  std::vector<Tensor> Parts(const Tensor& x) const;
  std::vector<FeatureMap> MapsOf(const Tensor& x);
  // Stands for the concatenation over channels without making it.
  Tensor Join(const Tensor& a, const Tensor& b);
  // Zeros for at least `count` floats.
  const float* Zeros(int64_t count);

 private:
  Tensor zeros_;
};

// Work on pixels [first, first + count) of picture n.
using Pass = std::function<void(int64_t n, int64_t first, int64_t count)>;

// y = a x + bias for the pixels of `sources`, by a 1x1 kernel; into a new map, or added to `onto`.
FeatureMap Pointwise(Context& cx, const std::vector<FeatureMap>& sources, const ConvWeights& w,
                     const FeatureMap* onto = nullptr);
// 3x3, stride 1, padding 1; `doubled` reads each pixel as 2x2. What `then` makes of the result is done with
// its pixels while they are in the cache.
FeatureMap Conv3x3(Context& cx, const std::vector<FeatureMap>& sources, const ConvWeights& w, bool doubled,
                   const std::function<Pass(const FeatureMap&)>& then = {});
// Any other kernel that core/ops/cpu/winograd.h has nothing for. Takes parts as they come, in any layout.
// The weight may have any shape that lies in memory as [O][I][kernel][kernel].
FeatureMap ConvDirect(Context& cx, const std::vector<Tensor>& parts, const ConvWeights& w, int64_t kernel,
                      int64_t stride, int64_t padding);
FeatureMap ConvTransposed(Context& cx, const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                          int64_t output_padding);
Tensor Linear(Context& cx, const Tensor& x, const LinearWeights& w);

// How a norm goes on.
struct NormEpilogue {
  Tensor scale, shift;  // FiLM [N,C,1,1] or undefined
  bool silu = false;
  const FeatureMap* residual = nullptr;  // added at the end
};
// Reads x, writes y, which may be the same map.
void Normalise(Context& cx, const FeatureMap& x, const NormWeights& w, const NormEpilogue& end,
               const FeatureMap& y);
// The same as a pass. GroupNorm reads all of x for it now; other norms read no pixels but those of the pass.
Pass NormPass(Context& cx, const FeatureMap& x, const NormWeights& w, const NormEpilogue& end,
              const FeatureMap& y);
// A 3x3 convolution and its norm.
FeatureMap ConvNorm(Context& cx, const std::vector<FeatureMap>& sources, const ConvWeights& conv,
                    const NormWeights& norm, const NormEpilogue& end);
struct GroupStatistics {
  double mean, scale;  // scale: 1 / the deviation
};
// Of each group of each picture.
std::vector<GroupStatistics> GroupStatisticsOf(Context& cx, const FeatureMap& x);
// For the rows of one picture at a time: factors and offsets of its own norm, without FiLM.
NormRows RowsOf(Context& cx, const NormWeights& w, int64_t channels);
// Batch norm, then ReLU where asked.
void NormaliseBatch(Context& cx, const FeatureMap& x, const BatchNormWeights& w, BatchStatistics statistics,
                    bool relu, const FeatureMap& y);

// attention(x) + x.
FeatureMap LinearAttention(Context& cx, const FeatureMap& x, const AttentionWeights& w);
FeatureMap FullAttention(Context& cx, const FeatureMap& x, const AttentionWeights& w);

}  // namespace shinsaku::cpu
