// Describes a classifier's network without allocating it.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/models/classifier/kind.h"
#include "core/nn/classifier.h"

namespace shinsaku {

int64_t DescribeClassifier(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const ClassifierPlan plan(spec);
  Ops ops(&recorder);
  const Classifier network(plan, Fill::kMeta, at::kMeta, std::nullopt);
  network.Forward(ops, at::empty({1, plan.channels, plan.size, plan.size},
                                 at::TensorOptions(at::kMeta).dtype(at::kFloat)));
  return network.set().count();
}

}  // namespace shinsaku
