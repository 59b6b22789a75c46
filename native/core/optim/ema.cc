// The exponential moving average of a network's weights, with ema-pytorch's warm-up.
#include "core/optim/ema.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/state_names.h"

namespace shinsaku {
namespace {

constexpr int64_t kCopyUntil = 100;   // ema-pytorch's update_after_step
constexpr double kPower = 2.0 / 3.0;  // and its power, with inv_gamma 1

// 1 - (1 + e)^(-2/3), at most `limit`; 0.0.9 computes it in Python's doubles.
double Decay2022(int64_t e, double limit) {
  if (e <= 0) return 0;
  return std::clamp(1 - std::pow(1 + static_cast<double>(e), -kPower), 0.0, limit);
}

// The same in float tensors, whose rounding reaches the weights.
double Decay2023(int64_t e, double limit) {
  if (e <= 0) return 0;
  const at::Tensor value = 1 - at::pow(1 + at::scalar_tensor(static_cast<double>(e), at::kFloat), -kPower);
  return value.clamp(0.0, limit).item<float>();
}

}  // namespace

Ema::Ema(const Spec& spec, const ParameterSet& online, EmaForm form)
    : online_(online),
      form_(form),
      decay_(Number(spec, "emaDecay")),
      every_(Integer(spec, "emaEvery")),
      step_(at::zeros({1}, at::kLong)),
      initted_(at::zeros({1}, at::kLong)) {
  for (const auto& [name, tensor] : online_.state()) average_.push_back({name, tensor.detach().clone()});
}

void Ema::Update() {
  const at::NoGradGuard no_grad;
  const int64_t k = step_.item<int64_t>();
  step_.add_(1);
  const NamedTensors online = online_.state();
  const auto copy = [&] {
    for (size_t i = 0; i < online.size(); ++i) average_[i].tensor.copy_(online[i].tensor);
  };
  const bool first = initted_.item<int64_t>() == 0;
  if (form_ == EmaForm::k2023 && first) {
    initted_.fill_(1);
    return copy();
  }
  if (k % every_ != 0) return;
  if (k <= kCopyUntil) return copy();
  if (first) {
    copy();
    initted_.fill_(1);
  }
  // The reference reads its counter after raising it, hence k + 1.
  const int64_t e = k + 1 - kCopyUntil - 1;
  const double weight = 1.0 - (form_ == EmaForm::k2022 ? Decay2022(e, decay_) : Decay2023(e, decay_));
  for (size_t i = 0; i < online.size(); ++i) {
    at::Tensor average = average_[i].tensor;
    const at::Tensor current = online[i].tensor.detach();
    if (!average.is_floating_point()) continue;
    if (form_ == EmaForm::k2022) {
      average.sub_((average - current).mul_(weight));
    } else {
      average.lerp_(current, weight);
    }
  }
}

NamedTensors Ema::weights() const { return average_; }

NamedTensors Ema::state() {
  NamedTensors all{{state_names::kEmaStep, step_}, {state_names::kEmaInitted, initted_}};
  for (const auto& [name, tensor] : average_) all.push_back({state_names::Averaged(name), tensor});
  return all;
}

}  // namespace shinsaku
