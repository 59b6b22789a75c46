// Describes the DCGAN's networks without allocating them.
#include "core/models/dcgan/kind.h"
#include "core/models/one_pass.h"
#include "core/nn/dcgan.h"

namespace shinsaku {

int64_t DescribeDcgan(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const DcganPlan plan(spec);
  Ops ops(&recorder);
  auto generator = OnMeta<DcganGenerator>(plan);
  auto discriminator = OnMeta<DcganDiscriminator>(plan);
  const at::Tensor z = MetaRow(plan.latent);
  // A single picture has no statistics of its own.
  const auto statistics = BatchStatistics::kRunning;
  const at::Tensor labels = plan.labels.Unknown(1, at::kMeta);
  discriminator.Forward(ops, generator.Forward(ops, z, labels, statistics), labels, statistics);
  return generator.set().count() + discriminator.set().count();
}

}  // namespace shinsaku
