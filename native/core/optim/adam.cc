// Adam with the bits of its reference, gradient clipping and the learning rate's course.
#include "core/optim/adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/ops/ops.h"
#include "core/optim/clip.h"
#include "core/optim/cpu_adam.h"
#include "core/optim/device_adam.h"
#include "core/state_names.h"

namespace shinsaku {

Adam::Adam(const NamedTensors& parameters, const std::string& prefix, const AdamOptions& options)
    : parameters_(parameters),
      options_(options),
      steps_{state_names::AdamStep(prefix), at::zeros({1}, at::kLong)} {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : parameters_) {
    exp_avg_.push_back({state_names::ExpAvg(prefix + name), at::zeros_like(tensor)});
    exp_avg_sq_.push_back({state_names::ExpAvgSq(prefix + name), at::zeros_like(tensor)});
  }
}

void Adam::Begin(double lr) {
  lr_ = lr;
  steps_.tensor.add_(1);
}

int64_t Adam::steps() const { return steps_.tensor.item<int64_t>(); }

void Adam::Apply() {
  const at::NoGradGuard no_grad;
  const auto t = static_cast<double>(steps());
  const double correction1 = 1 - std::pow(options_.beta1, t);
  const double correction2 = 1 - std::pow(options_.beta2, t);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor p = parameters_[i].tensor;
    if (!p.grad().defined()) continue;
    at::Tensor g = options_.weight_decay == 0 ? p.grad() : p.grad().add(p, options_.weight_decay);
    at::Tensor m = exp_avg_[i].tensor;
    at::Tensor v = exp_avg_sq_[i].tensor;
    m.lerp_(g, 1 - options_.beta1);
    v.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
    if (options_.form == AdamOptions::Form::kTorch) {
      const at::Tensor denominator = v.sqrt().div_(std::sqrt(correction2)).add_(options_.eps);
      p.addcdiv_(m, denominator, -lr_ / correction1);
    } else {
      p.addcdiv_(m, v.sqrt().add_(options_.eps), -lr_ * std::sqrt(correction2) / correction1);
    }
  }
}

std::unique_ptr<Adam> MakeAdam(const Spec& spec, const NamedTensors& parameters, const std::string& prefix,
                               const AdamOptions& options) {
  if (Flag(spec, "graph") || Text(spec, "ops") == kCudaOps)
    return std::make_unique<DeviceAdam>(parameters, prefix, options);
  if (const cpu::Kernels* kernels = cpu::KernelsNamed(Text(spec, "ops")))
    return std::make_unique<KernelAdam>(parameters, prefix, options, *kernels);
  return std::make_unique<Adam>(parameters, prefix, options);
}

void Adam::ZeroGrad() {
  for (auto& [name, tensor] : parameters_) tensor.mutable_grad().reset();
}

NamedTensors Adam::state() {
  NamedTensors all{steps_};
  all.insert(all.end(), exp_avg_.begin(), exp_avg_.end());
  all.insert(all.end(), exp_avg_sq_.begin(), exp_avg_sq_.end());
  return all;
}

at::Tensor Adam::Clip(double max_norm) { return ClipGradNorm(parameters_, max_norm); }

double LearningRate(const Spec& spec, int64_t images) {
  const double lr = Number(spec, "lr");
  const double warmup = Number(spec, "warmup");
  const double seen = static_cast<double>(images);
  if (seen < warmup) return lr * seen / warmup;
  const std::string& schedule = Text(spec, "lrSchedule");
  if (schedule == "constant") return lr;
  const double total = Number(spec, "maxImages");
  const double progress = total > warmup ? std::clamp((seen - warmup) / (total - warmup), 0.0, 1.0) : 1.0;
  if (schedule == "linear") return lr * (1 - progress);
  return lr * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace shinsaku
