// Records the U-Net as a graph, without allocating it.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "core/models/diffusion/denoiser.h"
#include "core/models/diffusion/kind.h"

namespace shinsaku {

void TraceDiffusion(const Spec& spec, GraphRecorder& recorder) {
  const at::NoGradGuard no_grad;
  // No picture that is sampled was changed, and what says so is 0.
  Spec plain = spec;
  plain["augment"] = 0.0;
  Denoiser denoiser(plain, Fill::kMeta, at::kMeta, std::nullopt, std::make_unique<GraphOps>(&recorder));
  const UnetPlan& plan = denoiser.plan();
  recorder.Parameters(denoiser.set().state());
  const auto input = [&](const char* name) {
    const at::Tensor value =
        at::empty({1, plan.channels, plan.size, plan.size}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
    recorder.Input(name, value);
    return value;
  };
  const at::Tensor x = input("x");
  // The frequencies that it is multiplied by have values.
  const at::Tensor t = at::zeros({1}, at::kLong);
  recorder.Input("t", t);
  const at::Tensor condition = plan.self_condition ? input("condition") : at::Tensor();
  recorder.Output(denoiser.Output(x, t, condition));
}

}  // namespace shinsaku
