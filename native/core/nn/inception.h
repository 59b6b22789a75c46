// Inception v3 as the FID has it (pytorch-fid's variant, from TensorFlow's graph of 2015-12-05): features of
// pictures. Unlike torchvision's, its average pools leave padding out, and the last block's branch is a max
// pool.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "core/nn/feature_weights.h"

namespace shinsaku {

class Inception {
 public:
  // Width of the features: 64, 192, 768 or 2048. Tensors have the names of torchvision's Inception3.
  Inception(const FeatureWeights& weights, int64_t output);

  static constexpr int64_t kSide = 299;
  // x: [N,3,299,299] in [-1,1]. [N,output].
  Tensor Forward(Ops& ops, Tensor x) const;

 private:
  struct Pool {
    enum class Kind { kMax, kAverage } kind;
    Window window;
  };
  struct Conv {
    ConvWeights weights;
    Window window;
  };
  // A pool, or convolutions beside each other, whose results are put together.
  using Stage = std::variant<Pool, std::vector<Conv>>;
  using Branch = std::vector<Stage>;
  // Branches beside each other, whose results are put together.
  using Block = std::vector<Branch>;

  struct Builder;
  static Tensor Run(Ops& ops, const Stage& stage, const Tensor& x);

  std::vector<Block> blocks_;
};

}  // namespace shinsaku
