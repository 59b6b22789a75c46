// Label dropout and classifier-free guidance.
#include "core/models/diffusion/labels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "core/models/label_dropout.h"

namespace shinsaku {

using at::Tensor;

Tensor DrawLabelDrops(int64_t pictures, const UnetPlan& plan, at::Generator random, at::Device device) {
  const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device);
  if (plan.is_cfg) return at::rand({pictures}, std::move(random), options);
  return DrawHiding(pictures, plan.labels.widths, std::move(random), device);
}

Tensor DropLabels(const Tensor& rows, const UnetPlan& plan, double probability, const Tensor& draws) {
  if (!plan.is_cfg) return HideLabels(rows, plan.labels.widths, probability, draws);
  const int64_t columns = plan.labels.columns();
  const Tensor dropped = (draws < 1 - probability).logical_not().to(at::kFloat).unsqueeze(1);
  return at::cat({rows.narrow(1, 0, columns), at::maximum(rows.narrow(1, columns, 1), dropped)}, 1);
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
