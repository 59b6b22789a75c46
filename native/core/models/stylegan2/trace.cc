// Records StyleGAN2's generator as a graph, without allocating it.
#include "core/models/one_pass.h"
#include "core/models/stylegan2/kind.h"
#include "core/nn/stylegan2.h"

namespace shinsaku {

void TraceStylegan2(const Spec& spec, GraphRecorder& recorder) {
  const at::NoGradGuard no_grad;
  const Stylegan2Plan plan(spec);
  GraphOps ops(&recorder);
  auto generator = OnMeta<Stylegan2Generator>(plan);
  recorder.Parameters(generator.set().state());
  const at::Tensor z = MetaRow(plan.latent);
  recorder.Input("z", z);
  const at::Tensor labels = plan.labels.Unknown(1, at::kMeta);
  if (labels.defined()) recorder.Input("labels", labels);
  const at::Tensor ws = generator.Map(ops, z, labels).unsqueeze(1).expand({-1, plan.styles(), -1});
  recorder.Output(generator.Synthesise(ops, ws, generator.FixedNoise()));
}

}  // namespace shinsaku
