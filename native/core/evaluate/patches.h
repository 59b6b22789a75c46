// Patches of pictures at every level of their Laplacian pyramids.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/api.h"

namespace shinsaku {

class PatchSet : public Patches {
 public:
  PatchSet(const Spec& args, int64_t threads);

  void Append(Bytes pixels, const std::vector<int64_t>& shape) override;
  int64_t HostBytes() const override;

  int64_t count() const { return count_; }
  const std::vector<int64_t>& shape() const { return shape_; }  // of one append; H,W,C are those of all
  // Of each level, largest pictures first, float32 [n,C,7,7] of each append.
  const std::vector<std::vector<at::Tensor>>& levels() const { return levels_; }

 private:
  Spec spec_;
  int64_t per_picture_;
  at::Generator generator_;
  int64_t count_ = 0;
  std::vector<int64_t> shape_;
  std::vector<std::vector<at::Tensor>> levels_;
};

}  // namespace shinsaku
