// Adam whose update is the device's work alone, so that a graph can hold it.
#include "core/optim/device_adam.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace shinsaku {
namespace {

// Strides of dimensions of size 1 mean nothing.
bool InOneOrder(const at::Tensor& a, const at::Tensor& b) {
  for (int64_t i = 0; i < a.dim(); ++i) {
    if (a.size(i) != 1 && a.stride(i) != b.stride(i)) return false;
  }
  return true;
}

// `tensor` as a row of numbers in the order of memory, which is that of `weight`: the fused update compares
// strides even where they mean nothing.
at::Tensor InMemory(const at::Tensor& tensor, const at::Tensor& weight) {
  if (!InOneOrder(tensor, weight))
    throw Failure("NATIVE_FAILED", "a gradient or moment lies in another order than its weight");
  return tensor.detach().as_strided({tensor.numel()}, {1}, tensor.storage_offset());
}

}  // namespace

DeviceAdam::DeviceAdam(const NamedTensors& parameters, const std::string& prefix, const AdamOptions& options)
    : Adam(parameters, prefix, options) {
  const auto scalar = at::TensorOptions(at::kFloat).device(parameters.front().tensor.device());
  rate_ = at::zeros({}, scalar);
  count_ = at::zeros({}, scalar);
}

void DeviceAdam::Begin(double lr) {
  Adam::Begin(lr);
  const auto t = static_cast<double>(steps());
  count_.fill_(t);
  const bool chainer = options_.form == AdamOptions::Form::kChainer;
  const double correction = std::sqrt(1 - std::pow(options_.beta2, t)) / (1 - std::pow(options_.beta1, t));
  rate_.fill_(chainer ? lr * correction : lr);
}

void DeviceAdam::Apply() {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> weights, gradients, m, v;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& p = parameters_[i].tensor;
    if (!p.grad().defined()) continue;
    weights.push_back(InMemory(p, p));
    gradients.push_back(InMemory(p.grad(), p));
    m.push_back(InMemory(exp_avg_[i].tensor, p));
    v.push_back(InMemory(exp_avg_sq_[i].tensor, p));
  }
  if (options_.form == AdamOptions::Form::kChainer) return ApplyChainer(weights, gradients, m, v);
  const std::vector<at::Tensor> counts(weights.size(), count_);
  at::_fused_adam_(weights, gradients, m, v, {}, counts, rate_, options_.beta1, options_.beta2,
                   options_.weight_decay, options_.eps, false, false);
}

// Chainer 1.5.1: p -= lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + eps), after which nothing reads the gradients.
void DeviceAdam::ApplyChainer(at::TensorList weights, at::TensorList gradients, at::TensorList m,
                              at::TensorList v) {
  if (options_.weight_decay != 0) at::_foreach_add_(gradients, weights, options_.weight_decay);
  at::_foreach_lerp_(m, gradients, 1 - options_.beta1);
  at::_foreach_mul_(v, options_.beta2);
  at::_foreach_addcmul_(v, gradients, gradients, 1 - options_.beta2);
  const std::vector<at::Tensor> root = at::_foreach_sqrt(v);
  at::_foreach_add_(root, options_.eps);
  const std::vector<at::Tensor> change = at::_foreach_div(m, root);
  at::_foreach_mul_(change, rate_);
  at::_foreach_sub_(weights, change);
}

}  // namespace shinsaku
