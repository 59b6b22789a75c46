// Records the DCGAN's generator as a graph, without allocating it.
#include "core/models/dcgan/kind.h"
#include "core/models/one_pass.h"
#include "core/nn/dcgan.h"

namespace shinsaku {

void TraceDcgan(const Spec& spec, GraphRecorder& recorder) {
  const at::NoGradGuard no_grad;
  const DcganPlan plan(spec);
  GraphOps ops(&recorder);
  auto generator = OnMeta<DcganGenerator>(plan);
  recorder.Parameters(generator.set().state());
  const at::Tensor z = MetaRow(plan.latent);
  recorder.Input("z", z);
  const at::Tensor labels = plan.labels.Unknown(1, at::kMeta);
  if (labels.defined()) recorder.Input("labels", labels);
  recorder.Output(generator.Forward(ops, z, labels, BatchStatistics::kRunning));
}

}  // namespace shinsaku
