// Describes the networks of a PGAN, fully grown, without allocating them.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/models/pgan/kind.h"
#include "core/nn/pgan.h"

namespace shinsaku {

int64_t DescribePgan(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const PganPlan plan(spec);
  Ops ops(&recorder);
  PganNetworks networks(plan, Fill::kMeta, at::kMeta, std::nullopt);
  const PganStage grown{plan.last_scale(), 0};
  const Tensor z = at::empty({1, plan.latent}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
  networks.discriminator.Forward(ops, networks.generator.Forward(ops, z, grown), grown);
  return networks.generator.set().count() + networks.discriminator.set().count();
}

}  // namespace shinsaku
