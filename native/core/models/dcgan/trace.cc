// Records the DCGAN's generator as a graph, without allocating it.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/models/dcgan/kind.h"
#include "core/nn/dcgan.h"

namespace shinsaku {

void TraceDcgan(const Spec& spec, GraphRecorder& recorder) {
  const at::NoGradGuard no_grad;
  const DcganPlan plan(spec);
  GraphOps ops(&recorder);
  DcganGenerator generator(plan, Fill::kMeta, at::kMeta, std::nullopt);
  recorder.Parameters(generator.set().state());
  const at::Tensor z = at::empty({1, plan.latent}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
  recorder.Input("z", z);
  recorder.Output(generator.Forward(ops, z, BatchStatistics::kRunning));
}

}  // namespace shinsaku
