// Predictions of a denoiser, plainly or replayed, and guided by labels.
#include "core/models/diffusion/fixed_denoiser.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>

#include "core/models/diffusion/labels.h"
#include "core/runtime/autocast.h"

namespace shinsaku {
namespace {

using at::Tensor;

// With guidance both outputs come of one pass over twice the pictures.
Tensor OutputOf(const Denoiser& denoiser, const Tensor& x, const Tensor& t, const Tensor& condition,
                const Direction& direction) {
  const Tensor &labels = direction.labels, &given = direction.given;
  if (!direction.factors.defined()) return denoiser.Output(x, t, condition, nullptr, labels, given);
  const auto twice = [](const Tensor& once) { return once.defined() ? at::cat({once, once}) : once; };
  const Tensor unknown = denoiser.plan().labels.Unknown(labels.size(0), labels.device());
  if (direction.project) {
    // Two passes, as the reference makes: twice the pictures in one may have other last bits.
    const Tensor labelled = denoiser.Output(x, t, condition, nullptr, labels, given);
    const Tensor unlabelled = denoiser.Output(x, t, condition, nullptr, unknown, given);
    return GuideProjected(labelled, unlabelled, direction.factors, direction.rescale);
  }
  const auto outputs =
      denoiser.Output(twice(x), twice(t), twice(condition), nullptr, at::cat({labels, unknown}), twice(given))
          .chunk(2);
  return Guide(outputs[0], outputs[1], direction.factors, direction.rescale);
}

Denoiser::Prediction PredictNow(const FixedDenoiser& fixed, const Tensor& x, const Tensor& t,
                                const Tensor& condition, bool clip, const Direction& direction) {
  const Autocast autocast(fixed.spec, fixed.device);
  return fixed.denoiser.FromOutput(OutputOf(fixed.denoiser, x, t, condition, direction), x, t, clip);
}

}  // namespace

Denoiser::Prediction FixedDenoiser::Predict(const Tensor& x, const Tensor& t, const Tensor& condition,
                                            bool clip, const Direction& direction) {
  if (!graphs) return PredictNow(*this, x, t, condition, clip, direction);
  auto& fixed = inputs[x.size(0)];
  fixed.resize(6);
  std::vector<int64_t> key{x.size(0), clip ? 1 : 0, direction.rescale ? 1 : 0, direction.project ? 1 : 0};
  const auto keep = [&](size_t place, const Tensor& value) {
    key.push_back(value.defined() ? 1 : 0);
    if (!value.defined()) return Tensor();
    if (!fixed[place].defined()) fixed[place] = at::empty_like(value);
    fixed[place].copy_(value);
    return fixed[place];
  };
  const Tensor x_kept = keep(0, x), t_kept = keep(1, t), condition_kept = keep(2, condition);
  const Direction kept{keep(3, direction.labels), keep(4, direction.factors), keep(5, direction.given),
                       direction.rescale, direction.project};
  const std::vector<Tensor> results = graphs->Run(key, [&] {
    const auto prediction = PredictNow(*this, x_kept, t_kept, condition_kept, clip, kept);
    return std::vector<Tensor>{prediction.noise, prediction.x0};
  });
  return {results[0], results[1]};
}

}  // namespace shinsaku
