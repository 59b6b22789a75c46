// What each sampler computes around the network, as plain numbers: the same steps as sampler.cc, for programs
// without libtorch.
#include <algorithm>
#include <cmath>

#include "core/models/diffusion/kind.h"
#include "core/models/diffusion/schedule.h"
#include "core/models/diffusion/solver.h"

namespace shinsaku {
namespace {

double At(const at::Tensor& table, int64_t time) { return table[time].item<float>(); }

StepCombination Noiseless(const Combination& combination) { return {combination.x, combination.model, 0}; }

// How x0 follows from x and the network's output, as in denoiser.cc.
PlannedStep StepAt(const Schedule& s, const std::string& objective, int64_t time) {
  PlannedStep step{time, 0, 1, 0, 1, std::nullopt, {}};
  if (objective == "noise") {
    step.x_to_x0 = At(s.sqrt_recip_alphas_cumprod, time);
    step.output_to_x0 = -At(s.sqrt_recipm1_alphas_cumprod, time);
  } else if (objective == "v") {
    step.x_to_x0 = At(s.sqrt_alphas_cumprod, time);
    step.output_to_x0 = -At(s.sqrt_one_minus_alphas_cumprod, time);
  }
  return step;
}

// Ho 2020, algorithm 2.
StepCombination Ddpm(const Schedule& s, int64_t time) {
  return {At(s.posterior_mean_coef2, time),
          {At(s.posterior_mean_coef1, time)},
          time == 0 ? 0 : std::exp(0.5 * At(s.posterior_log_variance_clipped, time))};
}

// Song 2021, eq. 12, with noise = (recip x - x0) / recipm1.
StepCombination Ddim(const Schedule& s, int64_t time, int64_t next, double eta) {
  if (next < 0) return {0, {1}, 0};
  const double abar = At(s.alphas_cumprod, time), abar_next = At(s.alphas_cumprod, next);
  const double sigma = eta * std::sqrt((1 - abar / abar_next) * (1 - abar_next) / (1 - abar));
  const double c = std::sqrt(std::max(0.0, 1 - abar_next - sigma * sigma));
  const double recip = At(s.sqrt_recip_alphas_cumprod, time),
               recipm1 = At(s.sqrt_recipm1_alphas_cumprod, time);
  return {c * recip / recipm1, {std::sqrt(abar_next) - c / recipm1}, sigma};
}

}  // namespace

SamplingPlan PlanDiffusion(const Spec& spec, const Spec& args) {
  ParameterSet set(Fill::kEmpty, at::kCPU, std::nullopt);
  const Schedule schedule(spec, set);
  const std::string &objective = Text(spec, "objective"), &sampler = Text(args, "sampler");
  SamplingPlan plan{{1, {0}, 0}, {}};
  if (sampler == "ddpm" || sampler == "ddim") {
    const bool is_ddpm = sampler == "ddpm";
    const auto times =
        Has(spec, "distilSteps")
            ? DistilledTimes(schedule.signal, Integer(spec, "distilSteps"))
            : DdimTimes(schedule.timesteps, is_ddpm ? schedule.timesteps : Integer(args, "steps"));
    for (size_t i = 0; i + 1 < times.size(); ++i) {
      plan.steps.push_back(StepAt(schedule, objective, times[i]));
      plan.steps.back().predict =
          is_ddpm ? Ddpm(schedule, times[i]) : Ddim(schedule, times[i], times[i + 1], Number(args, "eta"));
    }
    return plan;
  }
  const Solver solver = SolverOf(sampler);
  const SolverPlan solved = PlanSolver(solver, schedule.signal, Integer(args, "steps"));
  plan.start = Noiseless(solved.start);
  for (size_t i = 0; i < solved.steps.size(); ++i) {
    PlannedStep step = StepAt(schedule, objective, solved.times[i]);
    if (IntegratesNoise(solver)) {
      const NoiseLevel& level = solved.levels[i];
      step.x_to_prediction = 1 / level.sigma;
      step.x0_to_prediction = -level.alpha / level.sigma;
    }
    if (solved.steps[i].correct) step.correct = Noiseless(*solved.steps[i].correct);
    step.predict = Noiseless(solved.steps[i].predict);
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

}  // namespace shinsaku
