// EfficientNet-Lite0: features of pictures. Names of tensors and padding are those of
// efficientnet_lite_pytorch.
#pragma once

#include <optional>
#include <vector>

#include "core/nn/feature_weights.h"

namespace shinsaku {

class EfficientNetLite0 {
 public:
  explicit EfficientNetLite0(const FeatureWeights& weights);

  static constexpr int64_t kSide = 224, kWidth = 1280;
  // x: [N,3,224,224], (bytes - 127) / 128. [N,1280].
  Tensor Forward(Ops& ops, Tensor x) const;

 private:
  struct Conv {
    ConvWeights weights;
    int64_t stride, groups;
  };
  // An inverted residual: wider, one window for each channel, and narrow again.
  struct Block {
    std::optional<Conv> expand;
    Conv depthwise, project;
    bool residual;
  };
  static Tensor Run(Ops& ops, const Conv& conv, const Tensor& x);

  Conv stem_, head_;
  std::vector<Block> blocks_;
};

}  // namespace shinsaku
