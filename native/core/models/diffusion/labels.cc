// Label dropout and classifier-free guidance.
#include "core/models/diffusion/labels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

namespace shinsaku {

using at::Tensor;

Tensor DrawLabelDrops(int64_t pictures, const UnetPlan& plan, at::Generator random, at::Device device) {
  const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device);
  if (plan.is_cfg) return at::rand({pictures}, std::move(random), options);
  return at::rand({pictures, 2 + plan.label_attributes()}, std::move(random), options);
}

Tensor DropLabels(const Tensor& rows, const UnetPlan& plan, double probability, const Tensor& draws) {
  const int64_t attributes = plan.label_attributes(), columns = plan.label_columns();
  if (plan.is_cfg) {
    const Tensor dropped = (draws < 1 - probability).logical_not().to(at::kFloat).unsqueeze(1);
    return at::cat({rows.narrow(1, 0, columns), at::maximum(rows.narrow(1, columns, 1), dropped)}, 1);
  }
  // Column 0: whether all are hidden; column 1: twice the share that stays, all of them from a half on.
  Tensor hidden = draws.narrow(1, 0, 1) < probability;
  if (attributes > 1) hidden = hidden.logical_or(draws.narrow(1, 2, attributes) >= 2 * draws.narrow(1, 1, 1));
  const Tensor flags = hidden.to(at::kFloat).expand({rows.size(0), attributes});
  std::vector<Tensor> of_columns;
  for (int64_t i = 0; i < attributes; ++i)
    of_columns.push_back(
        flags.narrow(1, i, 1).expand({rows.size(0), plan.label_widths[static_cast<size_t>(i)]}));
  return at::cat({rows.narrow(1, 0, columns) * (1 - at::cat(of_columns, 1)),
                  at::maximum(rows.narrow(1, columns, attributes), flags)},
                 1);
}

// F.normalize of each picture, and what of `update` lies along it, in float64.
static Tensor WithoutParallel(const Tensor& update, const Tensor& labelled) {
  const Tensor x = update.flatten(1).to(at::kDouble), y = labelled.flatten(1).to(at::kDouble);
  const Tensor unit = y / at::linalg_vector_norm(y, 2.0, {-1}, true).clamp_min(1e-12).expand_as(y);
  const Tensor parallel = (x * unit).sum(-1, true) * unit;
  return (x - parallel).to(update.scalar_type()).view_as(update);
}

Tensor GuideProjected(const Tensor& labelled, const Tensor& unlabelled, const Tensor& factors, bool rescale) {
  const Tensor guided = labelled + WithoutParallel(labelled - unlabelled, labelled) * (factors[0] - 1);
  if (!rescale) return guided;
  const auto deviation = [](const Tensor& x) { return x.std({1, 2, 3}, true, true); };
  const Tensor scaled = guided * (deviation(labelled) / deviation(guided));
  return scaled * factors[1] + guided * (1 - factors[1]);
}

Tensor Guide(const Tensor& labelled, const Tensor& unlabelled, const Tensor& factors, bool rescale) {
  const Tensor guided = unlabelled + (labelled - unlabelled) * factors[0];
  if (!rescale) return guided;
  const auto deviation = [](const Tensor& x) { return x.std({1, 2, 3}, true, true); };
  const Tensor scaled = guided * (deviation(labelled) / deviation(guided));
  return guided + (scaled - guided) * factors[1];
}

}  // namespace shinsaku
