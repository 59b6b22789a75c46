// Non-leaky augmentation: training pictures are changed at random, and the network is told how, so that what
// it draws when it is told of no change is not changed. Karras 2022 (EDM, 2206.00364), appendix F.2 and
// table 6.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "core/distributed/communicator.h"

namespace shinsaku {

struct Augmented {
  at::Tensor x;       // [N,C,H,W] in [-1,1]
  at::Tensor labels;  // F32 [N,kAugmentLabels]; a row of zeros for a picture that was left as it is
};

// x0 [N,C,H,W] in [-1,1], square. Each change is made to each picture with `probability`: mirroring (where
// `mirror` says so: pictures that are mirrored without a word need it not), turning upside down, scaling,
// rotation, stretching, moving. `random` is a CPU generator, from which changes of all `total` pictures of a
// batch are drawn; x0 has the rows of `share`.
Augmented Augment(const at::Tensor& x0, double probability, bool mirror, at::Generator random, Share share,
                  int64_t total);

}  // namespace shinsaku
