// Looks for numbers that are none: a loss or a weight that is NaN or infinite never recovers.
#include "core/finite.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <limits>

namespace shinsaku {

void RequireFinite(const Metrics& metrics) {
  for (const auto& [name, values] : metrics) {
    if (!name.starts_with("loss") && name != "gradNorm") continue;
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw Failure("LOSS_NOT_FINITE", name + " became " + std::to_string(values[i]) + " in update " +
                                           std::to_string(i + 1) + " of " + std::to_string(values.size()) +
                                           " of this unit");
    }
  }
}

void RequireFinite(const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> numbers;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && tensor.numel() > 0) numbers.push_back(tensor.detach());
  }
  if (numbers.empty()) return;
  // The largest magnitude of each tensor: NaN and infinity go through it, and no finite number overflows in
  // it.
  const at::Tensor largest = at::stack(at::_foreach_norm(numbers, std::numeric_limits<double>::infinity()));
  if (at::isfinite(largest).all().item<bool>()) return;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || at::isfinite(tensor).all().item<bool>()) continue;
    throw Failure("WEIGHTS_NOT_FINITE", "the weights in \"" + name + "\" are no longer all finite numbers");
  }
}

}  // namespace shinsaku
