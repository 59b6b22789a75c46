// Describes StyleGAN2's networks without allocating them.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/models/stylegan2/kind.h"
#include "core/nn/stylegan2.h"

namespace shinsaku {

int64_t DescribeStylegan2(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const Stylegan2Plan plan(spec);
  Ops ops(&recorder);
  Stylegan2Generator generator(plan, Fill::kMeta, at::kMeta, std::nullopt);
  Stylegan2Discriminator discriminator(plan, Fill::kMeta, at::kMeta, std::nullopt);
  const at::Tensor z = at::empty({1, plan.latent}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
  const at::Tensor ws = generator.Map(ops, z).unsqueeze(1).expand({-1, plan.styles(), -1});
  discriminator.Forward(ops, generator.Synthesise(ops, ws, generator.FixedNoise()), 1);
  return generator.set().count() + discriminator.set().count();
}

}  // namespace shinsaku
