// Describes StyleGAN2's networks without allocating them.
#include "core/models/one_pass.h"
#include "core/models/stylegan2/kind.h"
#include "core/nn/stylegan2.h"

namespace shinsaku {

int64_t DescribeStylegan2(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const Stylegan2Plan plan(spec);
  Ops ops(&recorder);
  auto generator = OnMeta<Stylegan2Generator>(plan);
  auto discriminator = OnMeta<Stylegan2Discriminator>(plan);
  const at::Tensor z = MetaRow(plan.latent);
  const at::Tensor labels = plan.labels.Unknown(1, at::kMeta);
  const at::Tensor ws = generator.Map(ops, z, labels).unsqueeze(1).expand({-1, plan.styles(), -1});
  discriminator.Forward(ops, generator.Synthesise(ops, ws, generator.FixedNoise()), labels, 1);
  return generator.set().count() + discriminator.set().count();
}

}  // namespace shinsaku
