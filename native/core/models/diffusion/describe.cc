// Describes the U-Net without allocating it.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/models/diffusion/denoiser.h"
#include "core/models/diffusion/kind.h"

namespace shinsaku {

int64_t DescribeDiffusion(const Spec& spec, Recorder& recorder) {
  const at::NoGradGuard no_grad;
  const at::TensorOptions meta(at::kMeta);
  Denoiser denoiser(spec, Fill::kMeta, at::kMeta, std::nullopt, std::make_unique<Ops>(&recorder));
  const UnetPlan& plan = denoiser.plan();
  denoiser.Output(at::empty({1, plan.channels, plan.size, plan.size}, meta.dtype(at::kFloat)),
                  at::empty({1}, meta.dtype(at::kLong)), {});
  return denoiser.set().count();
}

}  // namespace shinsaku
