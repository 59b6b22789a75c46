// Learning high noise from noisy pictures, so that it cannot learn them by heart: Shah 2025 (2502.21278),
// after Daras 2024.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "core/models/diffusion/schedule.h"

namespace shinsaku {

// What the loss is computed with, for a batch.
struct AmbientBatch {
  at::Tensor x;          // x_t [N,C,H,W]
  at::Tensor x0, noise;  // what the network is to predict of it; x_t is made of them
  at::Tensor weight;     // [N], of each picture's loss
};

// Where the noise of t (sigma = sqrt(1 - abar) / sqrt(abar)) is above `sigma_n`, the picture is known only as
// y = x0 + sigma_n * fixed. Predicting x0 well is then predicting y from x_t well, of which
//   E[y | x_t] = r x_t / sqrt(abar) + (1 - r) E[x0 | x_t],  r = sigma_n^2 / sigma^2,
// so the loss is that of the target x0* = y - sigma_n^2 / sqrt(sigma^2 - sigma_n^2) * noise, times (1 - r)^2.
// Elsewhere all is as usual. x0, noise, fixed [N,C,H,W]; t I64 [N].
AmbientBatch MakeAmbient(const Schedule& schedule, const at::Tensor& x0, const at::Tensor& t,
                         const at::Tensor& noise, const at::Tensor& fixed, double sigma_n);

// The noise that stays with each picture for the whole run, turned with it where it is mirrored. indices I64
// [N], mirrored BOOL [N]; [N,C,H,W] on `device`.
at::Tensor FixedNoise(uint64_t seed, const at::Tensor& indices, const at::Tensor& mirrored,
                      at::IntArrayRef picture_shape, at::Device device);

}  // namespace shinsaku
