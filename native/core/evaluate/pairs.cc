// Products and distances of all pairs of two blocks of rows, in float64.
#include "core/evaluate/pairs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>

namespace shinsaku {
namespace {

at::Tensor Products(const at::Tensor& a, const at::Tensor& b) {
  return at::mm(a.to(at::kDouble), b.to(at::kDouble).t());
}

at::Tensor SquaredLengths(const at::Tensor& rows) { return rows.to(at::kDouble).square().sum(1); }

}  // namespace

at::Tensor CubicKernel(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor base = Products(a, b).div_(static_cast<double>(a.size(1))).add_(1);
  return base * base * base;
}

at::Tensor Distances(const at::Tensor& a, const at::Tensor& b) {
  // What the difference below loses of float64's 16 digits for equal rows, and more. Rows of float32 that are
  // nearer to each other than this differ in their last bits only.
  constexpr double kRounding = 1e-13;
  const at::Tensor lengths = SquaredLengths(a).unsqueeze(1) + SquaredLengths(b).unsqueeze(0);
  at::Tensor squares = Products(a, b).mul_(-2).add_(lengths);
  squares.masked_fill_(squares <= lengths * kRounding, 0);
  return squares.sqrt_();
}

}  // namespace shinsaku
