// Functions of ATen that have no kernel for the meta device: there they give a tensor of the right shape.
#include "core/ops/reference/aten.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/var.h>
#include <ATen/ops/where.h>

namespace shinsaku::aten {
namespace {

constexpr bool kCudnn = true;

Tensor Shaped(const Tensor& x) { return x.new_empty(x.sizes()); }

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride, int64_t padding) {
  if (!x.is_meta()) return at::conv2d(x, weight, bias, stride, padding);
  const auto side = [&](int64_t i) { return (x.size(i) + 2 * padding - weight.size(i)) / stride + 1; };
  return x.new_empty({x.size(0), weight.size(0), side(2), side(3)});
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride,
                        int64_t padding, int64_t output_padding) {
  if (!x.is_meta()) return at::conv_transpose2d(x, weight, bias, stride, padding, output_padding);
  const auto side = [&](int64_t i) {
    return (x.size(i) - 1) * stride - 2 * padding + weight.size(i) + output_padding;
  };
  return x.new_empty({x.size(0), weight.size(1), side(2), side(3)});
}

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& gain, const Tensor& bias, double eps) {
  return x.is_meta() ? Shaped(x) : at::group_norm(x, groups, gain, bias, eps);
}

Tensor batch_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, bool train, double momentum, double eps) {
  if (x.is_meta()) return Shaped(x);
  return at::batch_norm(x, gain, bias, running_mean, running_var, train, momentum, eps, kCudnn);
}

Tensor var_of_channels(const Tensor& x) {
  return x.is_meta() ? x.new_empty({x.size(0), 1, x.size(2), x.size(3)}) : at::var(x, {1}, false, true);
}

Tensor relu(const Tensor& x) { return x.is_meta() ? Shaped(x) : at::relu(x); }

Tensor replace_zeros(const Tensor& x, double value) {
  return x.is_meta() ? Shaped(x) : at::where(x == 0, value, x);
}

}  // namespace shinsaku::aten
