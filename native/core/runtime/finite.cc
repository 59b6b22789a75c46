// Looks for NaN and infinities: a loss or a weight that holds one never recovers.
#include "core/runtime/finite.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <atomic>
#include <bit>
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

namespace {

constexpr int64_t kPiece = 1 << 16;

// Bits of the float that is farthest from zero; those of infinity and NaN are the largest.
uint32_t Largest(const float* x, int64_t count) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffU);
  return largest;
}

bool Finite(const at::Tensor& x) {
  if (x.scalar_type() != at::kFloat || !x.is_non_overlapping_and_dense())
    return at::isfinite(x).all().item<bool>();
  const float* data = x.const_data_ptr<float>();
  std::atomic<bool> finite = true;
  at::parallel_for(0, x.numel(), kPiece, [&](int64_t begin, int64_t end) {
    if (Largest(data + begin, end - begin) >= 0x7f800000U) finite = false;
  });
  return finite;
}

}  // namespace

void RequireFinite(const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  const auto refuse = [](const std::string& name) {
    throw Failure("WEIGHTS_NOT_FINITE", "the weights in \"" + name + "\" are no longer all finite numbers");
  };
  std::vector<at::Tensor> elsewhere;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || tensor.numel() == 0) continue;
    if (!tensor.is_cpu()) elsewhere.push_back(tensor.detach());
    if (tensor.is_cpu() && !Finite(tensor.detach())) refuse(name);
  }
  if (elsewhere.empty()) return;
  // The largest magnitude of each tensor: NaN and infinity go through it, and no finite number overflows in
  // it.
  const at::Tensor largest = at::stack(at::_foreach_norm(elsewhere, std::numeric_limits<double>::infinity()));
  if (at::isfinite(largest).all().item<bool>()) return;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && !at::isfinite(tensor).all().item<bool>()) refuse(name);
  }
}

void RequireFinite(const std::string& name, const at::Tensor& x) {
  if (!x.is_floating_point() || Finite(x)) return;
  const auto element = at::argmin(at::isfinite(x).view({-1}).to(at::kByte)).item<int64_t>();
  throw Failure("WEIGHTS_NOT_FINITE",
                "element " + std::to_string(element) + " of tensor \"" + name + "\" is NaN or infinite",
                {{"tensor", name}, {"element", static_cast<double>(element)}});
}

}  // namespace shinsaku
