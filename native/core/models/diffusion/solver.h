// Few-step solvers of the diffusion ODE as plain numbers: what each step multiplies what by, in float64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shinsaku {

// x_t = alpha x_0 + sigma eps, with alpha^2 + sigma^2 = 1. log(alpha / sigma), half the log-SNR, is the time
// that solvers count in.
struct NoiseLevel {
  double alpha, sigma;
};

enum class Solver { kUniPc, kDpmpp2M, kDpmpp3M, kIpndm };

// The one that the option "sampler" names.
Solver SolverOf(const std::string& sampler);

// Whether the solver integrates the predicted noise; else the predicted x0.
bool IntegratesNoise(Solver solver);

// x of the next level = x * (x of the level before) + sum of model[k] * (k-th newest prediction).
struct Combination {
  double x = 0;
  std::vector<double> model;
};

// One evaluation of the network at x gives the newest prediction. Then `correct`, where there is one,
// replaces that x by a better one, made from the x of the level before; then `predict` makes the x of the
// next level.
struct SolverStep {
  std::optional<Combination> correct;
  Combination predict;
};

// The most predictions that a step looks back on.
constexpr size_t kSolverHistory = 4;

// Steps through `levels`: one for each evaluation, and the last, which ends without noise: {1, 0}.
std::vector<SolverStep> SolverSteps(Solver solver, const std::vector<NoiseLevel>& levels);

// What a few-step sampler does, evaluation by evaluation.
struct SolverPlan {
  std::vector<int64_t> times;      // descending
  std::vector<NoiseLevel> levels;  // of these times
  // x of the first of them, from the x of the model's last time and the x0 that is predicted there; with it
  // the first evaluation may start below the last time, and costs nothing.
  Combination start;
  std::vector<SolverStep> steps;
};

// `signal` is alpha^2 for each time of the model; `steps` of them at most.
SolverPlan PlanSolver(Solver solver, const std::vector<double>& signal, int64_t steps);

}  // namespace shinsaku
