// The diffusion U-Net in the two forms of denoising-diffusion-pytorch, written once over the ops set.
#pragma once

#include <ATen/core/Generator.h>

#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/label_plan.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

// Numbers that say how a picture was changed for training; all 0 for one that was not.
inline constexpr int64_t kAugmentLabels = 9;

// What a pass of the network takes in training only.
struct UnetTraining {
  Tensor augment;        // F32 [N,kAugmentLabels]; undefined for none
  double dropout;        // probability with which block1's values are dropped, 0 for none
  at::Generator random;  // of the device; draws what is dropped
};

// What a spec says about the network.
struct UnetPlan {
  explicit UnetPlan(const Spec& spec);
  bool is_v2;  // unet "2.3" or "2.3-cfg": RMSNorm; else "0.26" (0.26.4)
  // 2.3's classifier_free_guidance.py: as 0.26 but for the norms, and a class beside the time in each block.
  // Else 2.3 has memory keys and full attention innermost.
  bool is_cfg;
  bool is_main_v2() const { return is_v2 && !is_cfg; }
  int64_t dim, size, channels;
  std::vector<int64_t> widths;  // dim, then dim times each of dimMults
  bool self_condition;
  bool augment;  // whether it is told how training pictures were changed: kAugmentLabels numbers a picture
  LabelPlan labels;
  // The picture that is turned into one of the set: "lowres", "lines", "dark", "grey" or "mask"; empty for
  // none.
  std::string condition;
  int64_t condition_scale = 1;  // each way, how many pixels of the picture are one of a "lowres" condition
  int64_t condition_size() const { return size / condition_scale; }
  // Of the picture that a call gives.
  int64_t condition_channels() const { return condition == "lines" || condition == "grey" ? 1 : channels; }
  // Of what is concatenated to the input: "mask" says beside the pixels which of them are known.
  int64_t given_channels() const {
    return condition.empty() ? 0 : condition_channels() + (condition == "mask" ? 1 : 0);
  }
  int64_t input_channels() const { return channels * (self_condition ? 2 : 1) + given_channels(); }
};

class Unet {
 public:
  // Adds its parameters to `set` under `prefix`, drawn in the order of the reference's constructor, and puts
  // the set into the order of the reference's state dict.
  Unet(const UnetPlan& plan, ParameterSet& set, const std::string& prefix);

  // x [N,C,H,W], t I64 [N]; `condition` [N,C,H,W] is the previous estimate of x0, or undefined for zeros.
  // `training` is null when sampling. `labels` are rows F32 [N,width] as the plan has them, or undefined
  // where nothing is known of any picture. `given` F32 [N,given_channels,H,W] is the condition as
  // condition.h makes it, or undefined for zeros. Returns [N,C,H,W].
  Tensor Forward(Ops& ops, const Tensor& x, const Tensor& t, const Tensor& condition,
                 const UnetTraining* training = nullptr, const Tensor& labels = {},
                 const Tensor& given = {}) const;

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
  // What every block is told beside its input.
  struct Context {
    Tensor time;  // [N,4 dim]
    const UnetTraining* training;
  };
  Tensor TimeEmbedding(Ops& ops, const Tensor& t, const Tensor& augment) const;
  Tensor LabelEmbedding(Ops& ops, const Tensor& labels) const;
  Tensor ClassEmbedding(Ops& ops, const Tensor& labels) const;
  Tensor Run(Ops& ops, const Resnet& block, const Tensor& x, const Context& context) const;
  Tensor Run(Ops& ops, const Attention& attention, const Tensor& x) const;

  UnetPlan plan_;
  ConvWeights init_conv_, final_conv_;
  LinearWeights time1_, time2_;
  // Of a network with classes, whose own they are: [classes,dim], [dim], and what makes [N,4 dim] of them.
  Tensor class_embedding_, no_class_;
  LinearWeights class1_, class2_;
  LinearWeights labels_;   // weight [4 dim,width of a row]; undefined where the plan has none
  LinearWeights augment_;  // weight [dim,kAugmentLabels]; undefined where the plan has none
  std::vector<Stage> downs_, ups_;
  Resnet mid1_, mid2_, final_;
  Attention mid_attention_;
};

}  // namespace shinsaku
