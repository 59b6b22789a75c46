// Targets of noisy pictures, in the terms of the usual loss.
#include "core/models/diffusion/ambient.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include <vector>

#include "core/runtime/random.h"

namespace shinsaku {

using at::Tensor;

AmbientBatch MakeAmbient(const Schedule& schedule, const Tensor& x0, const Tensor& t, const Tensor& noise,
                         const Tensor& fixed, double sigma_n) {
  const Tensor signal = Schedule::Extract(schedule.sqrt_alphas_cumprod, t);  // [N,1,1,1]
  const Tensor spread = Schedule::Extract(schedule.sqrt_one_minus_alphas_cumprod, t);
  const Tensor sigma = spread / signal;
  // Just above sigma_n the target goes to infinity as its weight goes to 0.
  const Tensor above = sigma > 1.01 * sigma_n;
  const Tensor rest = at::sqrt(at::where(above, sigma * sigma - sigma_n * sigma_n, 1.0));
  const Tensor y = x0 + sigma_n * fixed;
  const Tensor target = at::where(above, y - sigma_n * sigma_n / rest * noise, x0);
  const Tensor x = at::where(above, signal * (y + rest * noise), signal * x0 + spread * noise);
  const Tensor share = 1 - sigma_n * sigma_n / (sigma * sigma);
  return {x, target, at::where(above, (x - signal * target) / spread, noise),
          at::where(above, share * share, 1.0).view({-1})};
}

Tensor FixedNoise(uint64_t seed, const Tensor& indices, const Tensor& mirrored, at::IntArrayRef picture_shape,
                  at::Device device) {
  const Tensor host = indices.cpu();
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < host.numel(); ++i) {
    rows.push_back(
        at::randn(picture_shape, PictureGenerator(seed, host.const_data_ptr<int64_t>()[i]), at::kFloat));
  }
  const Tensor fixed = at::stack(rows).to(device);
  return at::where(mirrored.to(device).view({-1, 1, 1, 1}), at::flip(fixed, {3}), fixed);
}

}  // namespace shinsaku
