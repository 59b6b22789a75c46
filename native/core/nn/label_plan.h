// Rows of numbers by which a network is told what is known of a picture.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/api.h"

namespace shinsaku {

// A row has some columns for each attribute, and goes on with one number for each: 1 where it is unknown.
struct LabelPlan {
  explicit LabelPlan(const Spec& spec);  // reads "labelGroups", the attribute of each column, where it has it

  std::vector<int64_t> widths;  // columns of each attribute; empty for a network without labels
  int64_t attributes() const { return static_cast<int64_t>(widths.size()); }
  int64_t columns() const;
  int64_t width() const { return columns() + attributes(); }

  // `rows`, or undefined for a network without labels. Throws SHAPE_INVALID for rows of another width.
  at::Tensor Checked(const at::Tensor& rows) const;
  // Rows F32 [count,width] of pictures of which nothing is known; undefined for a network without labels.
  at::Tensor Unknown(int64_t count, at::Device device) const;
  // Rows of pictures that are asked for: "labels" of `args` for all of them, or nothing is known.
  at::Tensor Asked(const Spec& args, int64_t count, at::Device device) const;
};

}  // namespace shinsaku
