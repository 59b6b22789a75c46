// Stochastic gradient descent with the bits of torch.optim.SGD.
#include "core/optim/sgd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "core/state_names.h"

namespace shinsaku {

Sgd::Sgd(const NamedTensors& parameters, const SgdOptions& options)
    : parameters_(parameters), options_(options) {
  const at::NoGradGuard no_grad;
  if (options_.momentum == 0) return;
  for (const auto& [name, tensor] : parameters_)
    buffers_.push_back({state_names::Momentum(name), at::zeros_like(tensor)});
}

void Sgd::Apply(double lr) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor p = parameters_[i].tensor;
    if (!p.grad().defined()) continue;
    at::Tensor g = options_.weight_decay == 0 ? p.grad() : p.grad().add(p, options_.weight_decay);
    // torch's first buffer is the gradient itself, which 0 * momentum + gradient is too.
    if (!buffers_.empty()) g = buffers_[i].tensor.mul_(options_.momentum).add_(g);
    p.add_(g, -lr);
  }
}

}  // namespace shinsaku
