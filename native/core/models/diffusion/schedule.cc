// The noise schedule of Gaussian diffusion, operation by operation as the reference computes it.
#include "core/models/diffusion/schedule.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/cumprod.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sqrt.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace shinsaku {
namespace {

using at::Tensor;

// Ho 2020: 1e-4 to 0.02 over 1000 steps, rescaled to T.
Tensor LinearBetas(int64_t steps) {
  const double scale = 1000.0 / static_cast<double>(steps);
  return at::linspace(scale * 0.0001, scale * 0.02, steps, at::kDouble);
}

Tensor BetasOf(Tensor alphas_cumprod) {
  alphas_cumprod = alphas_cumprod / alphas_cumprod[0];
  const int64_t length = alphas_cumprod.size(0);
  return at::clamp(1 - alphas_cumprod.slice(0, 1, length) / alphas_cumprod.slice(0, 0, length - 1), 0, 0.999);
}

Tensor TimeGrid(int64_t steps) {
  return at::linspace(0, static_cast<double>(steps), steps + 1, at::kDouble) / static_cast<double>(steps);
}

// Nichol 2021, eq. 17, s = 0.008.
Tensor CosineBetas(int64_t steps) {
  constexpr double s = 0.008;
  return BetasOf(at::pow(at::cos((TimeGrid(steps) + s) / (1 + s) * std::numbers::pi * 0.5), 2));
}

// Jabri 2022, figure 8, start -3, end 3, tau 1.
Tensor SigmoidBetas(int64_t steps) {
  constexpr double start = -3, end = 3;
  const Tensor v_start = at::sigmoid(at::scalar_tensor(start, at::kFloat));
  const Tensor v_end = at::sigmoid(at::scalar_tensor(end, at::kFloat));
  const Tensor t = TimeGrid(steps);
  return BetasOf((-at::sigmoid(t * (end - start) + start) + v_end) / (v_end - v_start));
}

Tensor MakeBetas(const std::string& name, int64_t steps) {
  if (name == "linear") return LinearBetas(steps);
  if (name == "cosine") return CosineBetas(steps);
  if (name == "sigmoid") return SigmoidBetas(steps);
  throw Failure("NATIVE_FAILED", "unknown schedule \"" + name + "\"");
}

// Weight of each time in the loss: p2 (Choi 2022), or the signal-to-noise ratio of the objective, clamped for
// min-SNR (Hang 2023).
Tensor LossWeight(const Spec& spec, const Tensor& abar) {
  const Tensor snr = abar / (1 - abar);
  const std::string& kind = Text(spec, "lossWeight");
  if (kind == "p2") return at::pow(Number(spec, "p2K") + snr, -Number(spec, "p2Gamma"));
  // 0.26.4 has no weight of its own but p2, which is off by default: (k + snr)^0.
  if (kind == "none" && Text(spec, "variant") == "0.26") return at::pow(1 + snr, -0.0);
  const Tensor clipped =
      kind == "min-snr" ? at::clamp(snr, std::nullopt, Number(spec, "minSnrGamma")) : snr.clone();
  const std::string& objective = Text(spec, "objective");
  if (objective == "noise") return clipped / snr;
  if (objective == "x0") return clipped;
  return clipped / (snr + 1);
}

}  // namespace

Schedule::Schedule(const Spec& spec, ParameterSet& set) : timesteps(Integer(spec, "timesteps")) {
  const auto keep = [&](const char* name, const Tensor& value) {
    return set.Buffer(name, value.to(at::kFloat));
  };
  const Tensor b = MakeBetas(Text(spec, "schedule"), timesteps);
  const Tensor alphas = 1 - b;
  const Tensor abar = at::cumprod(alphas, 0);
  signal.assign(abar.const_data_ptr<double>(), abar.const_data_ptr<double>() + timesteps);
  const Tensor prev = at::cat({at::ones({1}, at::kDouble), abar.slice(0, 0, timesteps - 1)});
  betas = keep("betas", b);
  alphas_cumprod = keep("alphas_cumprod", abar);
  alphas_cumprod_prev = keep("alphas_cumprod_prev", prev);
  sqrt_alphas_cumprod = keep("sqrt_alphas_cumprod", at::sqrt(abar));
  sqrt_one_minus_alphas_cumprod = keep("sqrt_one_minus_alphas_cumprod", at::sqrt(1 - abar));
  log_one_minus_alphas_cumprod = keep("log_one_minus_alphas_cumprod", at::log(1 - abar));
  sqrt_recip_alphas_cumprod = keep("sqrt_recip_alphas_cumprod", at::sqrt(1 / abar));
  sqrt_recipm1_alphas_cumprod = keep("sqrt_recipm1_alphas_cumprod", at::sqrt(1 / abar - 1));
  // The posterior q(x_{t-1} | x_t, x_0), Ho 2020, eq. 7.
  const Tensor variance = b * (1 - prev) / (1 - abar);
  posterior_variance = keep("posterior_variance", variance);
  posterior_log_variance_clipped =
      keep("posterior_log_variance_clipped", at::log(at::clamp(variance, 1e-20)));
  posterior_mean_coef1 = keep("posterior_mean_coef1", b * at::sqrt(prev) / (1 - abar));
  posterior_mean_coef2 = keep("posterior_mean_coef2", (1 - prev) * at::sqrt(alphas) / (1 - abar));
  const bool is_v2 = Text(spec, "variant") != "0.26";
  loss_weight = keep(is_v2 ? "loss_weight" : "p2_loss_weight", LossWeight(spec, abar));
}

Tensor Schedule::Extract(const Tensor& a, const Tensor& t) {
  return a.gather(-1, t).view({t.size(0), 1, 1, 1});
}

std::vector<int64_t> DdimTimes(int64_t timesteps, int64_t steps) {
  const Tensor times =
      at::linspace(-1, static_cast<double>(timesteps - 1), steps + 1, at::kFloat).to(at::kInt);
  std::vector<int64_t> descending;
  for (int64_t i = steps; i >= 0; --i) descending.push_back(times[i].item<int>());
  return descending;
}

namespace {

// Times are spread as quantiles of a logistic distribution of log(abar / (1 - abar)): a trajectory settles on
// one picture between -3 and 1.
constexpr double kCentre = -0.9, kSpread = 1.3;

std::vector<int64_t> FinestTimes(const std::vector<double>& signal) {
  const auto last = static_cast<int64_t>(signal.size()) - 1;
  std::vector<int64_t> times{last};
  for (int64_t i = 1; i < kFinestDistilled; ++i) {
    const double share = static_cast<double>(i) / kFinestDistilled;
    const double wanted = kCentre + kSpread * std::log(share / (1 - share));
    const double abar = 1 / (1 + std::exp(-wanted));
    // The noisiest time that has that much signal; each below the one before, with times left for the rest.
    int64_t time = times.back() - 1;
    while (time > 0 && signal[static_cast<size_t>(time)] < abar) --time;
    times.push_back(std::max(time, kFinestDistilled - 1 - i));
  }
  times.push_back(-1);
  return times;
}

}  // namespace

std::vector<int64_t> DistilledTimes(const std::vector<double>& signal, int64_t steps) {
  if (steps < 1 || kFinestDistilled % steps != 0 || static_cast<int64_t>(signal.size()) < kFinestDistilled)
    throw Failure("NATIVE_FAILED", "there are no times for " + std::to_string(steps) +
                                       " distilled steps of " + std::to_string(signal.size()));
  const auto finest = FinestTimes(signal);
  std::vector<int64_t> times;
  for (int64_t i = 0; i <= kFinestDistilled; i += kFinestDistilled / steps)
    times.push_back(finest[static_cast<size_t>(i)]);
  return times;
}

}  // namespace shinsaku
