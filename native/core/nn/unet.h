// The diffusion U-Net in the two forms of denoising-diffusion-pytorch, written once over the ops set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

// What a spec says about the network.
struct UnetPlan {
  explicit UnetPlan(const Spec& spec);
  bool is_v2;  // unet "2.3": RMSNorm, memory keys, full attention innermost; else "0.26" (0.26.4)
  int64_t dim, size, channels;
  std::vector<int64_t> widths;  // dim, then dim times each of dimMults
  bool self_condition;
  int64_t input_channels() const { return channels * (self_condition ? 2 : 1); }
};

class Unet {
 public:
  // Adds its parameters to `set` under `prefix`, drawn in the order of the reference's constructor, and puts
  // the set into the order of the reference's state dict.
  Unet(const UnetPlan& plan, ParameterSet& set, const std::string& prefix);

  // x [N,C,H,W], t I64 [N]; `condition` [N,C,H,W] is the previous estimate of x0, or undefined for zeros.
  // Returns [N,C,H,W].
  Tensor Forward(Ops& ops, const Tensor& x, const Tensor& t, const Tensor& condition) const;

 private:
  struct Resnet {
    std::string name;
    LinearWeights mlp;
    ConvWeights proj1, proj2, shortcut;  // shortcut.weight undefined: identity
    NormWeights norm1, norm2;
  };
  struct Attention {
    std::string name;
    AttentionWeights weights;
    bool full;
  };
  struct Resampling {
    std::string name;
    ConvWeights conv;
    bool resample;  // false in the innermost (down) and outermost (up) stage: a plain 3x3
  };
  struct Stage {
    Resnet block1, block2;
    Attention attention;
    Resampling resampling;
  };

  class Builder;
  Tensor TimeEmbedding(Ops& ops, const Tensor& t) const;
  Tensor Run(Ops& ops, const Resnet& block, const Tensor& x, const Tensor& time) const;
  Tensor Run(Ops& ops, const Attention& attention, const Tensor& x) const;

  UnetPlan plan_;
  ConvWeights init_conv_, final_conv_;
  LinearWeights time1_, time2_;
  std::vector<Stage> downs_, ups_;
  Resnet mid1_, mid2_, final_;
  Attention mid_attention_;
};

}  // namespace shinsaku
