// Coefficients of UniPC, DPM-Solver++ and iPNDM.
#include "core/models/diffusion/solver.h"

#include <algorithm>
#include <cmath>

#include "core/api.h"

namespace shinsaku {
namespace {

using Levels = std::vector<NoiseLevel>;

double Lambda(const NoiseLevel& level) { return std::log(level.alpha) - std::log(level.sigma); }

// Solves a x = b for a few unknowns, by elimination with pivots.
std::vector<double> Solve(std::vector<std::vector<double>> a, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column + 1; row < n; ++row) {
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    }
    std::swap(a[column], a[pivot]);
    std::swap(b[column], b[pivot]);
    for (size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const double factor = a[row][column] / a[column][column];
      for (size_t k = column; k < n; ++k) a[row][k] -= factor * a[column][k];
      b[row] -= factor * b[column];
    }
  }
  for (size_t row = 0; row < n; ++row) b[row] /= a[row][row];
  return b;
}

// Weights of the differences whose places are `r`, in units of the step h: Zhao 2023, theorem 3.1 and eq. 9,
// data prediction, B(h) = exp(-h) - 1 ("bh2"). `half`: the one unknown of order 2 has a published value, 1/2.
std::vector<double> UniPcWeights(const std::vector<double>& r, double h, bool half) {
  if (half) return {0.5};
  const size_t n = r.size();
  std::vector<std::vector<double>> powers(n, std::vector<double>(n));
  std::vector<double> right(n);
  double phi = std::expm1(-h) / -h - 1, factorial = 1;
  for (size_t row = 0; row < n; ++row) {
    for (size_t column = 0; column < n; ++column) {
      powers[row][column] = std::pow(r[column], static_cast<double>(row));
    }
    right[row] = phi * factorial / std::expm1(-h);
    factorial *= static_cast<double>(row + 2);
    phi = phi / -h - 1 / factorial;
  }
  return Solve(std::move(powers), std::move(right));
}

// One step of order `order` from levels[from] to levels[from + 1], with the predictions of `from` and before.
// A corrector has the prediction at the target as well, which then is the newest one.
Combination UniPc(const Levels& levels, size_t from, size_t order, bool corrector) {
  const NoiseLevel &start = levels[from], &target = levels[from + 1];
  const double h = Lambda(target) - Lambda(start), b = std::expm1(-h);
  const size_t newest = corrector ? 1 : 0;
  std::vector<double> r;
  for (size_t k = 1; k < order; ++k) r.push_back((Lambda(levels[from - k]) - Lambda(start)) / h);
  if (corrector) r.push_back(1);
  Combination step{target.sigma / start.sigma, std::vector<double>(newest + order)};
  step.model[newest] = -target.alpha * b;
  if (r.empty()) return step;
  const std::vector<double> weights = UniPcWeights(r, h, order == (corrector ? 1 : 2));
  for (size_t k = 0; k < r.size(); ++k) {
    const bool at_target = corrector && k + 1 == r.size();
    const double factor = -target.alpha * b * weights[k] / r[k];
    step.model[at_target ? 0 : newest + k + 1] += factor;
    step.model[newest] -= factor;
  }
  return step;
}

// Lu 2022b: eq. 4.1 (order 1), the multistep algorithm 2 (order 2), and appendix D (order 3).
Combination Dpmpp(const Levels& levels, size_t from, size_t order) {
  const NoiseLevel &start = levels[from], &target = levels[from + 1];
  const double h = Lambda(target) - Lambda(start), b = std::expm1(-h);
  Combination step{target.sigma / start.sigma, {-target.alpha * b}};
  if (order == 1) return step;
  const double r0 = (Lambda(start) - Lambda(levels[from - 1])) / h;
  if (order == 2) {
    const double d1 = -0.5 * target.alpha * b / r0;
    step.model = {step.model[0] + d1, -d1};
    return step;
  }
  const double r1 = (Lambda(levels[from - 1]) - Lambda(levels[from - 2])) / h;
  const double phi2 = target.alpha * (b / h + 1), phi3 = target.alpha * ((b + h) / (h * h) - 0.5);
  // D1 = a (m0 - m1) - c (m1 - m2) and D2 = (first (m0 - m1) - second (m1 - m2)) / (r0 + r1).
  const double share = r0 / (r0 + r1);
  const double near = phi2 * (1 + share) / r0 - phi3 / ((r0 + r1) * r0);
  const double far = phi2 * share / r1 - phi3 / ((r0 + r1) * r1);
  step.model = {step.model[0] + near, -near - far, far};
  return step;
}

// Adams and Bashforth's weights of the newest predictions. Liu 2022, eq. 9, with the start of lower orders
// that "improved" names (Zhang 2023a): the sampler of one evaluation a step from the first step on.
const std::vector<std::vector<double>> kAdamsBashforth = {
    {1}, {3. / 2, -1. / 2}, {23. / 12, -16. / 12, 5. / 12}, {55. / 24, -59. / 24, 37. / 24, -9. / 24}};

Combination Ipndm(const Levels& levels, size_t from, size_t order) {
  const NoiseLevel &start = levels[from], &target = levels[from + 1];
  const double scale = target.alpha / start.alpha;
  Combination step{scale, kAdamsBashforth[order - 1]};
  for (double& weight : step.model) weight *= target.sigma - scale * start.sigma;
  return step;
}

// Half the log-SNR between which steps are even. Below, a picture is pure noise to the eye of any network,
// but the cosine schedule goes on to -10; above, nothing is left to find but the last bits of 8.
constexpr double kLowestLambda = -5.1, kHighestLambda = 3;

// Solvers count in lambda, so their steps are even in it (Lu 2022a, section 3). Networks know whole times
// only.
std::vector<int64_t> EvenTimes(const std::vector<double>& lambda, int64_t steps) {
  const auto last = static_cast<int64_t>(lambda.size()) - 1;
  int64_t first = last;
  while (first >= steps && lambda[static_cast<size_t>(first)] < kLowestLambda) --first;
  const double low = lambda[static_cast<size_t>(first)];
  const double high = std::max(low, std::min(kHighestLambda, lambda[0]));
  std::vector<int64_t> times;
  for (int64_t i = 0, time = first; i < steps; ++i) {
    const double wanted = low + (high - low) * static_cast<double>(i) / static_cast<double>(steps);
    while (time > 0 && lambda[static_cast<size_t>(time)] < wanted) --time;
    // The nearer of the two around it.
    const double here = lambda[static_cast<size_t>(time)];
    const bool before = time < first && wanted - lambda[static_cast<size_t>(time) + 1] < here - wanted;
    times.push_back(before ? time + 1 : time);
  }
  // No time twice: first each far enough from the end for those after it, then each below the one before.
  for (int64_t i = 0; i < steps; ++i) {
    int64_t& time = times[static_cast<size_t>(i)];
    time = std::max(time, steps - 1 - i);
    if (i > 0) time = std::min(time, times[static_cast<size_t>(i) - 1] - 1);
  }
  return times;
}

}  // namespace

Solver SolverOf(const std::string& sampler) {
  if (sampler == "unipc") return Solver::kUniPc;
  if (sampler == "dpmpp-2m") return Solver::kDpmpp2M;
  if (sampler == "dpmpp-3m") return Solver::kDpmpp3M;
  if (sampler == "ipndm") return Solver::kIpndm;
  throw Failure("NATIVE_FAILED", "unknown sampler \"" + sampler + "\"");
}

bool IntegratesNoise(Solver solver) { return solver == Solver::kIpndm; }

std::vector<SolverStep> SolverSteps(Solver solver, const Levels& levels) {
  const size_t count = levels.size() - 1;
  std::vector<SolverStep> steps;
  size_t order_before = 0;
  for (size_t i = 0; i < count; ++i) {
    // Order rises with the predictions there are, and falls towards the end, whose log-SNR is infinite.
    const size_t known = i + 1, left = count - i;
    SolverStep step;
    switch (solver) {
      case Solver::kUniPc: {
        const size_t order = std::min({size_t{3}, known, left});
        if (i > 0) step.correct = UniPc(levels, i - 1, order_before, true);
        step.predict = UniPc(levels, i, order, false);
        order_before = order;
        break;
      }
      case Solver::kDpmpp2M:
        step.predict = Dpmpp(levels, i, left == 1 ? 1 : std::min(size_t{2}, known));
        break;
      case Solver::kDpmpp3M: {
        // As published, the step before the last loses an order only where steps are few.
        const size_t most = left == 1 ? 1 : left == 2 && count < 15 ? 2 : 3;
        step.predict = Dpmpp(levels, i, std::min(most, known));
        break;
      }
      case Solver::kIpndm:
        step.predict = Ipndm(levels, i, std::min(kSolverHistory, known));
        break;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

SolverPlan PlanSolver(Solver solver, const std::vector<double>& signal, int64_t steps) {
  const auto level_of = [](double abar) { return NoiseLevel{std::sqrt(abar), std::sqrt(1 - abar)}; };
  std::vector<double> lambda;
  for (const double abar : signal) lambda.push_back(Lambda(level_of(abar)));
  SolverPlan plan;
  plan.times = EvenTimes(lambda, steps);
  for (const int64_t time : plan.times) plan.levels.push_back(level_of(signal[static_cast<size_t>(time)]));
  const NoiseLevel last = level_of(signal.back()), &first = plan.levels[0];
  const double scale = first.sigma / last.sigma;
  plan.start = {scale, {first.alpha - scale * last.alpha}};
  Levels levels = plan.levels;
  levels.push_back({1, 0});
  plan.steps = SolverSteps(solver, levels);
  return plan;
}

}  // namespace shinsaku
