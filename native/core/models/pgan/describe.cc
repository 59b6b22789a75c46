// Describes the networks of a PGAN, fully grown, without allocating them.
#include "core/models/one_pass.h"
#include "core/models/pgan/kind.h"
#include "core/nn/pgan.h"

namespace shinsaku {

int64_t DescribePgan(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const PganPlan plan(spec);
  Ops ops(&recorder);
  auto networks = OnMeta<PganNetworks>(plan);
  const PganStage grown{plan.last_scale(), 0};
  const Tensor z = MetaRow(plan.latent);
  networks.discriminator.Forward(ops, networks.generator.Forward(ops, z, grown), grown);
  return networks.generator.set().count() + networks.discriminator.set().count();
}

}  // namespace shinsaku
