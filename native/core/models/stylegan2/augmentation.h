// What real and generated pictures go through before the discriminator sees them, so that it cannot learn few
// pictures by heart. Every operation has second derivatives.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>

#include "core/api.h"

namespace shinsaku {

class Augmentation {
 public:
  virtual ~Augmentation() = default;
  // x [N,C,H,W] in [-1,1], changed; draws from `generator`, which is the device's. `p`: the probability of
  // each operation, a scalar tensor of the device; what is always done heeds it not.
  virtual at::Tensor Apply(const at::Tensor& x, at::Generator generator, const at::Tensor& p) const = 0;
};

// The spec's "augment"; null for "none".
std::unique_ptr<Augmentation> MakeAugmentation(const Spec& spec);
std::unique_ptr<Augmentation> MakeDiffAugment();
// `published`: with rotations, reflections and changes of hue; else only what a drawing may be.
std::unique_ptr<Augmentation> MakeAdaptive(bool published);

}  // namespace shinsaku
