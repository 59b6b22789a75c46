// Label dropout.
#include "core/models/label_dropout.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/rand.h>

namespace shinsaku {

using at::Tensor;

Tensor DrawHiding(int64_t pictures, const std::vector<int64_t>& widths, at::Generator random,
                  at::Device device) {
  const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device);
  return at::rand({pictures, 2 + static_cast<int64_t>(widths.size())}, std::move(random), options);
}

Tensor HideLabels(const Tensor& rows, const std::vector<int64_t>& widths, double probability,
                  const Tensor& draws) {
  const auto attributes = static_cast<int64_t>(widths.size());
  const int64_t columns = rows.size(1) - attributes;
  // Column 0: whether all are hidden; column 1: twice the share that stays, all of them from a half on.
  Tensor hidden = draws.narrow(1, 0, 1) < probability;
  if (attributes > 1) hidden = hidden.logical_or(draws.narrow(1, 2, attributes) >= 2 * draws.narrow(1, 1, 1));
  const Tensor flags = hidden.to(at::kFloat).expand({rows.size(0), attributes});
  std::vector<Tensor> of_columns;
  for (int64_t i = 0; i < attributes; ++i)
    of_columns.push_back(flags.narrow(1, i, 1).expand({rows.size(0), widths[static_cast<size_t>(i)]}));
  return at::cat({rows.narrow(1, 0, columns) * (1 - at::cat(of_columns, 1)),
                  at::maximum(rows.narrow(1, columns, attributes), flags)},
                 1);
}

}  // namespace shinsaku
