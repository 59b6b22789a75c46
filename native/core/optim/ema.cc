// The moving average of a network's weights: exponential with ema-pytorch's warm-up, or EDM2's power
// function.
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

// Karras 2024, equation 12: the exponent gamma whose average has this standard deviation, as a share of the
// run: length^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)). It falls as gamma rises from 0.
double Exponent(double length) {
  const auto length_of = [](double gamma) {
    return std::sqrt((gamma + 1) / ((gamma + 2) * (gamma + 2) * (gamma + 3)));
  };
  double low = 0, high = 1;
  while (length_of(high) > length) high *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (length_of(middle) > length ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

Ema::Ema(const Spec& spec, const ParameterSet& online, EmaForm form)
    : online_(online),
      form_(form),
      decay_(Number(spec, "emaDecay")),
      exponent_(Has(spec, "emaLength") ? Exponent(Number(spec, "emaLength")) : 0),
      ramp_(form == EmaForm::kRamped && Has(spec, "emaRamp") ? Number(spec, "emaRamp") : 0),
      every_(Integer(spec, "emaEvery")),
      step_(at::zeros({1}, at::kLong)),
      initted_(at::zeros({1}, at::kLong)) {
  for (const auto& [name, tensor] : online_.state()) average_.push_back({name, tensor.detach().clone()});
}

void Ema::Update() {
  const at::NoGradGuard no_grad;
  const int64_t k = step_.item<int64_t>();
  step_.add_(1);
  if (exponent_ == 0) return UpdateExponential(k);
  if (k % every_ != 0) return;
  initted_.fill_(1);
  // Karras 2024, equation 11: decay (1 - 1/t)^(gamma + 1). The first average is a copy.
  if (k == 0) return Copy();
  const auto t = static_cast<double>(k / every_ + 1);
  MoveBy(1 - std::pow(1 - 1 / t, exponent_ + 1));
}

// A half-life of `ramp_` times the k updates so far, where that is less than the decay's own.
void Ema::UpdateRamped(int64_t k) {
  if (k % every_ != 0) return;
  initted_.fill_(1);
  const double limit =
      ramp_ == 0 ? 1 : std::pow(0.5, static_cast<double>(every_) / (ramp_ * static_cast<double>(k)));
  MoveBy(1 - std::min(decay_, limit));
  for (const auto& [name, buffer] : online_.buffers())
    for (const auto& [own, average] : average_)
      if (own == name) at::Tensor(average).copy_(buffer);
}

void Ema::UpdateExponential(int64_t k) {
  if (form_ == EmaForm::kRamped) return UpdateRamped(k);
  const bool first = initted_.item<int64_t>() == 0;
  if (form_ == EmaForm::k2023 && first) {
    initted_.fill_(1);
    return Copy();
  }
  if (k % every_ != 0) return;
  if (k <= kCopyUntil) return Copy();
  if (first) {
    Copy();
    initted_.fill_(1);
  }
  // The reference reads its counter after raising it, hence k + 1.
  const int64_t e = k + 1 - kCopyUntil - 1;
  MoveBy(1.0 - (form_ == EmaForm::k2022 ? Decay2022(e, decay_) : Decay2023(e, decay_)));
}

void Ema::Copy() {
  const NamedTensors online = online_.state();
  for (size_t i = 0; i < online.size(); ++i) average_[i].tensor.copy_(online[i].tensor);
}

void Ema::MoveBy(double weight) {
  const NamedTensors online = online_.state();
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
