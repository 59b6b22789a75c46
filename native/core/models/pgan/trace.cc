// Records a PGAN's generator, fully grown, as a graph, without allocating it.
#include "core/models/one_pass.h"
#include "core/models/pgan/kind.h"
#include "core/nn/pgan.h"

namespace shinsaku {

void TracePgan(const Spec& spec, GraphRecorder& recorder) {
  const at::NoGradGuard no_grad;
  const PganPlan plan(spec);
  GraphOps ops(&recorder);
  auto networks = OnMeta<PganNetworks>(plan);
  recorder.Parameters(networks.generator.set().state());
  const at::Tensor z = MetaRow(plan.latent);
  recorder.Input("z", z);
  recorder.Output(networks.generator.Forward(ops, z, {plan.last_scale(), 0}));
}

}  // namespace shinsaku
