// The mapping network of StyleGAN2: from a latent to a style, from what is known of a picture to one, or from
// both.
#pragma once

#include <string>
#include <vector>

#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

class Stylegan2Mapping {
 public:
  struct Shape {
    int64_t latent;  // 0 for a mapping of labels alone
    int64_t labels;  // numbers in a row of labels; 0 for none
    int64_t width;   // of each layer
    int64_t layers;
  };
  // Adds its parameters to `set`: name.fc0, name.fc1, ..., and name.label_emb.
  Stylegan2Mapping(ParameterSet& set, std::string name, const Shape& shape);

  // z [N,latent] and labels F32 [N,labels], each undefined where there is none -> [N,width]. Labels become as
  // many numbers as a layer has, both are normalised, and stand beside each other (Karras 2020, 2006.06676,
  // appendix C).
  Tensor Forward(Ops& ops, const Tensor& z, const Tensor& labels) const;

 private:
  std::string name_;
  Shape shape_;
  LinearWeights labels_;
  std::vector<LinearWeights> layers_;
};

}  // namespace shinsaku
