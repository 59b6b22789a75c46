// Geometric changes of training pictures as one affine map a picture, and the labels that tell of it.
#include "core/models/diffusion/augment.h"

#include <ATen/TensorIndexing.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/exp2.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/grid_sampler_2d.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <numbers>
#include <vector>

namespace shinsaku {
namespace {

using at::Tensor;

// Standard deviations of table 6: of log2 of the scale and of the stretch, and of the move as a share of the
// side.
constexpr double kScale = 0.2, kStretch = 0.2, kMove = 0.125;

// ATen's numbers for how grid_sampler_2d reads.
constexpr int64_t kBicubic = 2, kReflection = 2;

// Composes inverses: a pixel of the result reads where the product of the inverses, in order, takes it.
class AffineMap {
 public:
  explicit AffineMap(int64_t count) : inverse_(at::eye(3, at::kFloat).expand({count, 3, 3})) {}

  // Appends the map [[a,b,x],[c,d,y],[0,0,1]] that undoes the next change; each [N].
  void Undo(const Tensor& a, const Tensor& b, const Tensor& x, const Tensor& c, const Tensor& d,
            const Tensor& y) {
    const Tensor zero = at::zeros_like(a);
    const Tensor rows = at::stack({a, b, x, c, d, y, zero, zero, zero + 1}, 1).view({-1, 3, 3});
    inverse_ = at::matmul(inverse_, rows);
  }

  void UndoScale(const Tensor& horizontal, const Tensor& vertical) {
    const Tensor zero = at::zeros_like(horizontal);
    Undo(1 / horizontal, zero, zero, zero, 1 / vertical, zero);
  }

  void UndoRotation(const Tensor& angle) {
    const Tensor zero = at::zeros_like(angle), cos = at::cos(angle), sin = at::sin(angle);
    Undo(cos, sin, zero, -sin, cos, zero);
  }

  // By shares of the side; coordinates go from -1 to 1.
  void UndoMove(const Tensor& right, const Tensor& down) {
    const Tensor zero = at::zeros_like(right);
    Undo(zero + 1, zero, -2 * right, zero, zero + 1, -2 * down);
  }

  Tensor rows() const { return inverse_.slice(1, 0, 2); }  // [N,2,3]

 private:
  Tensor inverse_;  // [N,3,3]
};

// Reads `x` through the map at twice the resolution and averages, so that what shrinks does not alias.
Tensor Resample(const Tensor& x, const AffineMap& map) {
  const Tensor rows = map.rows().to(x.device());
  const Tensor grid = at::affine_grid_generator(
      rows, c10::IntArrayRef({x.size(0), x.size(1), x.size(2) * 2, x.size(3) * 2}), false);
  const Tensor large = at::grid_sampler_2d(x, grid, kBicubic, kReflection, false);
  return at::clamp(at::avg_pool2d(large, 2), -1.0, 1.0);
}

}  // namespace

Augmented Augment(const Tensor& x0, double probability, bool mirror, at::Generator random, Share share,
                  int64_t total) {
  const int64_t count = x0.size(0);
  const auto uniform = [&] { return share.Rows(at::rand({total}, random, at::kFloat)); };
  const auto chosen = [&] { return (uniform() < probability).to(at::kFloat); };
  const auto normal = [&] { return share.Rows(at::randn({total}, random, at::kFloat)); };
  const auto angle = [&] { return (uniform() * 2 - 1) * std::numbers::pi; };
  const auto half = [&] { return (uniform() < 0.5).to(at::kFloat); };

  const Tensor mirrored = half() * chosen() * (mirror ? 1 : 0);
  const Tensor upside_down = half() * chosen();
  const Tensor scale = normal() * chosen();
  const Tensor rotation = angle() * chosen();
  const Tensor stretch = normal() * chosen(), along = angle();
  const Tensor moved = chosen(), right = normal() * moved, down = normal() * moved;

  AffineMap map(count);
  map.UndoScale(1 - 2 * mirrored, 1 - 2 * upside_down);
  const Tensor factor = at::exp2(scale * kScale);
  map.UndoScale(factor, factor);
  map.UndoRotation(rotation);
  const Tensor longer = at::exp2(stretch * kStretch);
  map.UndoRotation(-along);
  map.UndoScale(longer, 1 / longer);
  map.UndoRotation(along);
  map.UndoMove(right * kMove, down * kMove);

  // A stretch of s along an angle is one of -s across it, so the angle is told doubled.
  const Tensor labels = at::stack({mirrored, upside_down, scale, at::cos(rotation) - 1, at::sin(rotation),
                                   stretch * at::cos(2 * along), stretch * at::sin(2 * along), right, down},
                                  1)
                            .to(x0.device());
  const Tensor changed = (labels != 0).any(1).view({-1, 1, 1, 1});
  return {at::where(changed, Resample(x0, map), x0), labels};
}

}  // namespace shinsaku
