// A few-step solver on its way through a picture: the plan of core/models/diffusion/solver.h applied to
// tensors.
#pragma once

#include <ATen/TensorOperators.h>

#include <deque>
#include <vector>

#include "core/models/diffusion/solver.h"

namespace shinsaku {

class SolverWalk {
 public:
  // `signal` and `steps` are those of PlanSolver.
  SolverWalk(Solver solver, const std::vector<double>& signal, int64_t steps)
      : integrates_noise_(IntegratesNoise(solver)), plan_(PlanSolver(solver, signal, steps)) {}

  const std::vector<int64_t>& times() const { return plan_.times; }

  // The x of the next level, float64, from `x` [rows,C,H,W] and the x0 that is predicted there, which is
  // clamped to [-1,1]; the noise is taken from the clamped one. `index` counts the evaluations.
  at::Tensor Step(at::Tensor x, const at::Tensor& predicted, size_t index) {
    const at::Tensor x0 = predicted.to(at::kDouble);
    if (index == 0) x = x * plan_.start.x + x0 * plan_.start.model[0];
    const NoiseLevel& level = plan_.levels[index];
    predictions_.push_front(integrates_noise_ ? (x - x0 * level.alpha) / level.sigma : x0);
    if (predictions_.size() > kSolverHistory) predictions_.pop_back();
    const SolverStep& step = plan_.steps[index];
    base_ = step.correct ? Combine(base_, *step.correct) : x;
    return Combine(base_, step.predict);
  }

 private:
  at::Tensor Combine(const at::Tensor& x, const Combination& combination) const {
    at::Tensor sum = x * combination.x;
    for (size_t k = 0; k < combination.model.size(); ++k) sum.add_(predictions_[k], combination.model[k]);
    return sum;
  }

  bool integrates_noise_;
  SolverPlan plan_;
  at::Tensor base_;                     // x before the newest step
  std::deque<at::Tensor> predictions_;  // newest first
};

}  // namespace shinsaku
