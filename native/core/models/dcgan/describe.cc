// Describes the DCGAN's networks without allocating them.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/models/dcgan/kind.h"
#include "core/nn/dcgan.h"

namespace shinsaku {

int64_t DescribeDcgan(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const DcganPlan plan(spec);
  Ops ops(&recorder);
  DcganGenerator generator(plan, Fill::kMeta, at::kMeta, std::nullopt);
  DcganDiscriminator discriminator(plan, Fill::kMeta, at::kMeta, std::nullopt);
  const at::Tensor z = at::empty({1, plan.latent}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
  // A single picture has no statistics of its own.
  const auto statistics = BatchStatistics::kRunning;
  discriminator.Forward(ops, generator.Forward(ops, z, statistics), statistics);
  return generator.set().count() + discriminator.set().count();
}

}  // namespace shinsaku
