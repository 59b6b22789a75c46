// The U-Net with its schedule, in the three parametrisations of its output.
#include "core/models/diffusion/denoiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>

namespace shinsaku {

using at::Tensor;

Denoiser::Denoiser(const Spec& spec, Fill fill, at::Device device, std::optional<at::Generator> generator,
                   std::unique_ptr<Ops> ops)
    : plan_(spec),
      objective_(Text(spec, "objective") == "noise" ? Objective::kNoise
                 : Text(spec, "objective") == "x0"  ? Objective::kX0
                                                    : Objective::kV),
      set_(fill, device, std::move(generator)),
      schedule_(spec, set_),
      unet_(plan_, set_, "model."),
      ops_(std::move(ops)) {
  set_.SetMemoryFormat([&](const Tensor& weight) { return ops_->WeightFormat(weight); });
}

Tensor Denoiser::Output(const Tensor& x, const Tensor& t, const Tensor& condition,
                        const UnetTraining* training, const Tensor& labels, const Tensor& given) const {
  return unet_.Forward(*ops_, x, t, condition, training, labels, given);
}

Tensor Denoiser::Diffuse(const Tensor& x0, const Tensor& t, const Tensor& noise) const {
  const Schedule& s = schedule_;
  return Schedule::Extract(s.sqrt_alphas_cumprod, t) * x0 +
         Schedule::Extract(s.sqrt_one_minus_alphas_cumprod, t) * noise;
}

Tensor Denoiser::Target(const Tensor& x0, const Tensor& t, const Tensor& noise) const {
  switch (objective_) {
    case Objective::kNoise:
      return noise;
    case Objective::kX0:
      return x0;
    case Objective::kV:  // Salimans 2022, appendix D
      return Schedule::Extract(schedule_.sqrt_alphas_cumprod, t) * noise -
             Schedule::Extract(schedule_.sqrt_one_minus_alphas_cumprod, t) * x0;
  }
  return noise;
}

Denoiser::Prediction Denoiser::FromOutput(const Tensor& output, const Tensor& x, const Tensor& t,
                                          bool clip) const {
  const Schedule& s = schedule_;
  const Tensor recip = Schedule::Extract(s.sqrt_recip_alphas_cumprod, t);
  const Tensor recipm1 = Schedule::Extract(s.sqrt_recipm1_alphas_cumprod, t);
  const auto bounded = [&](const Tensor& x0) { return clip ? at::clamp(x0, -1.0, 1.0) : x0; };
  const auto noise_of = [&](const Tensor& x0) { return (recip * x - x0) / recipm1; };
  if (objective_ == Objective::kNoise) {
    const Tensor x0 = bounded(recip * x - recipm1 * output);
    // classifier_free_guidance.py takes the noise as it is.
    return {clip && !plan_.is_cfg ? noise_of(x0) : output, x0};
  }
  Tensor x0 = output;
  if (objective_ == Objective::kV) {
    x0 = Schedule::Extract(s.sqrt_alphas_cumprod, t) * x -
         Schedule::Extract(s.sqrt_one_minus_alphas_cumprod, t) * output;
  }
  x0 = bounded(x0);
  return {noise_of(x0), x0};
}

}  // namespace shinsaku
