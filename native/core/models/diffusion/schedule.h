// The noise schedule of Gaussian diffusion: betas and everything derived from them, as the reference keeps
// it.
#pragma once

#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// Tables over time, each float32 [T], computed in float64 as the reference does.
// Notation: x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps (Ho 2020, eq. 4).
struct Schedule {
  // Reads "schedule", "timesteps", "objective", "lossWeight" and what belongs to them. Registers the 13
  // tables as buffers of `set` under the reference's names.
  Schedule(const Spec& spec, ParameterSet& set);

  int64_t timesteps;
  at::Tensor betas, alphas_cumprod, alphas_cumprod_prev;
  at::Tensor sqrt_alphas_cumprod, sqrt_one_minus_alphas_cumprod, log_one_minus_alphas_cumprod;
  at::Tensor sqrt_recip_alphas_cumprod, sqrt_recipm1_alphas_cumprod;
  at::Tensor posterior_variance, posterior_log_variance_clipped, posterior_mean_coef1, posterior_mean_coef2;
  at::Tensor loss_weight;
  std::vector<double> signal;  // alphas_cumprod before it was rounded to float32

  // a[t] for each picture, [N,1,1,1]; t I64 [N].
  static at::Tensor Extract(const at::Tensor& a, const at::Tensor& t);
};

// Times of DDIM with `steps` evaluations, from T-1 down to -1: steps + 1 entries.
std::vector<int64_t> DdimTimes(int64_t timesteps, int64_t steps);

// Steps of the finest walk that a distilled model's times are taken from; each number of steps divides it.
inline constexpr int64_t kFinestDistilled = 64;

// Times of a model distilled to `steps`, from T-1 down to -1: steps + 1 entries. Those of fewer steps are
// among those of more. Between pure noise and the picture they are dense where it is decided what the picture
// shows. `signal` is alpha^2 for each time of the model.
std::vector<int64_t> DistilledTimes(const std::vector<double>& signal, int64_t steps);

}  // namespace shinsaku
