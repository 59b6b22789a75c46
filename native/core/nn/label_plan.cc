// Rows of labels, as a spec lays them out.
#include "core/nn/label_plan.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <numeric>

namespace shinsaku {
LabelPlan::LabelPlan(const Spec& spec) {
  if (!Has(spec, "labelGroups")) return;
  for (const double group : Numbers(spec, "labelGroups")) {
    widths.resize(static_cast<size_t>(group) + 1);
    widths.back() += 1;
  }
}

int64_t LabelPlan::columns() const { return std::accumulate(widths.begin(), widths.end(), int64_t{0}); }

at::Tensor LabelPlan::Checked(const at::Tensor& rows) const {
  if (widths.empty()) return {};
  const int64_t given = rows.defined() ? rows.size(1) : 0;
  if (given != width())
    throw Failure("SHAPE_INVALID", "the pictures have rows of " + std::to_string(given) +
                                       " labels, but the network needs " + std::to_string(width()));
  return rows;
}

at::Tensor LabelPlan::Unknown(int64_t count, at::Device device) const {
  if (widths.empty()) return {};
  at::Tensor rows = at::zeros({count, width()}, at::TensorOptions(at::kFloat).device(device));
  rows.narrow(1, columns(), attributes()).fill_(1);
  return rows;
}

at::Tensor LabelPlan::Asked(const Spec& args, int64_t count, at::Device device) const {
  if (!Has(args, "labels")) return Unknown(count, device);
  const std::vector<double>& row = Numbers(args, "labels");
  if (static_cast<int64_t>(row.size()) != width())
    throw Failure("SHAPE_INVALID", "a row of " + std::to_string(row.size()) +
                                       " labels was given, but the network needs " + std::to_string(width()));
  return at::tensor(row, at::kDouble).to(at::kFloat).expand({count, -1}).contiguous().to(device);
}

}  // namespace shinsaku
