// The U-Net with its schedule: what both the training step and the samplers predict with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/models/diffusion/schedule.h"
#include "core/nn/unet.h"

namespace shinsaku {

class Denoiser {
 public:
  // `ops` of the spec's set: one that trains or one that draws.
  Denoiser(const Spec& spec, Fill fill, at::Device device, std::optional<at::Generator> generator,
           std::unique_ptr<Ops> ops);

  struct Prediction {
    at::Tensor noise, x0;  // [N,C,H,W]
  };

  // The network's own output for x_t at times t. `training` is null when sampling.
  // `labels` and `given` are as Unet::Forward() takes them.
  at::Tensor Output(const at::Tensor& x, const at::Tensor& t, const at::Tensor& condition,
                    const UnetTraining* training = nullptr, const at::Tensor& labels = {},
                    const at::Tensor& given = {}) const;
  // Noise and x0 from that output. `clip` clamps x0 to [-1,1] and takes the noise from the clamped one.
  Prediction FromOutput(const at::Tensor& output, const at::Tensor& x, const at::Tensor& t, bool clip) const;
  // What Output() should be, for x0 and noise.
  at::Tensor Target(const at::Tensor& x0, const at::Tensor& t, const at::Tensor& noise) const;
  // x_t of x0 and noise.
  at::Tensor Diffuse(const at::Tensor& x0, const at::Tensor& t, const at::Tensor& noise) const;

  ParameterSet& set() { return set_; }
  const Schedule& schedule() const { return schedule_; }
  const UnetPlan& plan() const { return plan_; }
  const Ops& ops() const { return *ops_; }

 private:
  enum class Objective { kNoise, kX0, kV };
  UnetPlan plan_;
  Objective objective_;
  ParameterSet set_;
  Schedule schedule_;
  Unet unet_;
  std::unique_ptr<Ops> ops_;
};

}  // namespace shinsaku
