// ADA's pipe of augmentations (Karras 2020, arXiv 2006.06676, appendix B). Each operation draws its value,
// then whether it is done, for each picture; changes of place are gathered as one matrix, those of colour as
// another.
#include <ATen/TensorOperators.h>
#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/grid_sampler.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/models/stylegan2/augmentation.h"

namespace shinsaku {
namespace {

using at::Tensor;

constexpr double kPi = std::numbers::pi;

// The low-pass filter of the wavelet sym6.
const std::vector<float> kSym6{0.0154041093f,  0.0034907121f, -0.1179901111f, -0.0483117426f,
                               0.4910559419f,  0.7876411410f, 0.3379294217f,  -0.0726375228f,
                               -0.0210602925f, 0.0447249018f, 0.0017677119f,  -0.0078007083f};

// Draws for the N pictures of a batch.
struct Draws {
  int64_t count;
  at::Generator generator;
  at::TensorOptions options;
  Tensor p;

  Tensor Uniform(int64_t each = 1) { return at::rand({count, each}, generator, options); }
  Tensor Normal(int64_t each = 1) { return at::randn({count, each}, generator, options); }
  // `value` [N,k] where the operation is done, else `neutral`. `chance` undefined: p.
  Tensor Gated(const Tensor& value, double neutral, const Tensor& chance = {}) {
    const Tensor done = at::rand({count, 1}, generator, options) < (chance.defined() ? chance : p);
    return at::where(done, value, at::full_like(value, neutral));
  }
};

// Matrices [N,3,3] whose upper two rows are these, each entry [N,1].
Tensor Matrix(const Tensor& a, const Tensor& b, const Tensor& x, const Tensor& c, const Tensor& d,
              const Tensor& y) {
  const Tensor none = at::zeros_like(x);
  return at::cat({a, b, x, c, d, y, none, none, at::ones_like(x)}, 1).view({-1, 3, 3});
}
Tensor Moved(const Tensor& x, const Tensor& y) {
  const Tensor none = at::zeros_like(x), one = at::ones_like(x);
  return Matrix(one, none, x, none, one, y);
}
Tensor Scaled(const Tensor& x, const Tensor& y) {
  const Tensor none = at::zeros_like(x);
  return Matrix(x, none, none, none, y, none);
}
Tensor Turned(const Tensor& angle) {
  const Tensor c = angle.cos(), s = angle.sin(), none = at::zeros_like(angle);
  return Matrix(c, -s, none, s, c, none);
}

// Correlates each channel with a row of taps along one axis: 2 for rows, 3 for columns.
Tensor Filtered(const Tensor& x, const Tensor& taps, int64_t axis, int64_t stride) {
  const int64_t channels = x.size(1), k = taps.size(0);
  const std::vector<int64_t> shape =
      axis == 2 ? std::vector<int64_t>{channels, 1, k, 1} : std::vector<int64_t>{channels, 1, 1, k};
  const Tensor one =
      taps.view(axis == 2 ? std::vector<int64_t>{1, 1, k, 1} : std::vector<int64_t>{1, 1, 1, k});
  const std::vector<int64_t> strides =
      axis == 2 ? std::vector<int64_t>{stride, 1} : std::vector<int64_t>{1, stride};
  const int64_t none[] = {0, 0}, dense[] = {1, 1};
  return at::conv2d(x, one.expand(shape), {}, strides, none, dense, channels);
}

class Adaptive : public Augmentation {
 public:
  explicit Adaptive(bool published) : published_(published) {
    const Tensor taps = at::tensor(kSym6);
    taps_ = taps / taps.sum();
  }

  Tensor Apply(const Tensor& x, at::Generator generator, const Tensor& p) const override {
    Draws draws{x.size(0), generator, x.options(), p};
    return CutOut(Coloured(Placed(x, draws), draws), draws);
  }

 private:
  // From places in the result to places in the picture: the inverse of what is done to it, in pixels.
  Tensor Geometry(const Tensor& x, Draws& draws) const {
    const auto side = static_cast<double>(x.size(3));
    Tensor inverse = at::eye(3, x.options()).unsqueeze(0).expand({x.size(0), 3, 3});
    const auto then = [&](const Tensor& step) { inverse = at::matmul(inverse, step); };
    if (published_) {
      const Tensor flip = draws.Gated((draws.Uniform() * 2).floor(), 0);
      then(Scaled(1 - 2 * flip, at::ones_like(flip)));
      then(Turned(draws.Gated((draws.Uniform() * 4).floor(), 0) * (kPi / 2)));
    }
    const Tensor whole = (draws.Gated((draws.Uniform(2) * 2 - 1) * 0.125, 0) * side).round();
    then(Moved(-whole.narrow(1, 0, 1), -whole.narrow(1, 1, 1)));
    const double spread = published_ ? 0.2 : 0.1;
    const Tensor scale = draws.Gated(at::pow(2.0, draws.Normal() * spread), 1);
    then(Scaled(1 / scale, 1 / scale));
    if (published_) {
      // Two turns, before and after, each half as likely to be done: together as likely as others.
      const Tensor half = 1 - (1 - draws.p).clamp(0, 1).sqrt();
      then(Turned(draws.Gated((draws.Uniform() * 2 - 1) * kPi, 0, half)));
      const Tensor wider = draws.Gated(at::pow(2.0, draws.Normal() * 0.2), 1);
      then(Scaled(1 / wider, wider));
      then(Turned(draws.Gated((draws.Uniform() * 2 - 1) * kPi, 0, half)));
    }
    const double distance = published_ ? 0.125 : 0.0625;
    const Tensor part = draws.Gated(draws.Normal(2) * distance, 0) * side;
    then(Moved(-part.narrow(1, 0, 1), -part.narrow(1, 1, 1)));
    return inverse;
  }

  // Executes the geometry at twice the resolution, so that little is lost.
  Tensor Placed(const Tensor& x, Draws& draws) const {
    const Tensor inverse = Geometry(x, draws);
    const int64_t side = x.size(3), pad = static_cast<int64_t>(kSym6.size()) / 4;
    // How far beyond the picture its corners come from, with what the filters reach.
    const double half = (static_cast<double>(side) - 1) / 2;
    const Tensor corners = at::tensor({-half, -half, 1., half, -half, 1., half, half, 1., -half, half, 1.})
                               .to(x.scalar_type())
                               .view({4, 3})
                               .t()
                               .to(x.device());
    const Tensor reached = at::matmul(inverse.narrow(1, 0, 2), corners).abs().amax() - half + 2 * pad;
    const auto margin = static_cast<int64_t>(
        std::clamp(std::ceil(reached.item<double>()), 0.0, static_cast<double>(side - 1)));
    Tensor y = at::reflection_pad2d(x, {margin, margin, margin, margin});
    const Tensor taps = taps_.to(x.options());
    // Twice as large: zeros between, then the filter on both axes.
    const int64_t wide = side + 2 * margin, taps_count = taps.size(0);
    y = at::constant_pad_nd(y.unsqueeze(4).unsqueeze(3), {0, 1, 0, 0, 0, 1})
            .reshape({x.size(0), x.size(1), 2 * wide, 2 * wide});
    const int64_t before = taps_count / 2, behind = (taps_count - 1) / 2;
    y = at::constant_pad_nd(y, {before, behind, before, behind});
    y = Filtered(Filtered(y, taps.flip({0}) * 2, 3, 1), taps.flip({0}) * 2, 2, 1);  // [N,C,2 wide,2 wide]
    // Of the result, with room for the filter that halves it: places in [-1,1] of what it is read from.
    const int64_t room = side + 2 * pad;
    const double in = 2.0 / (2.0 * static_cast<double>(wide)), out = static_cast<double>(2 * room) / 2;
    const auto of = [&](double a, double shift) {
      return at::tensor({a, 0., shift, 0., a, shift, 0., 0., 1.})
          .to(x.scalar_type())
          .view({1, 3, 3})
          .to(x.device());
    };
    // Pixels of the doubled maps lie half a pixel of the picture's apart.
    Tensor grid = at::matmul(of(2, 0), at::matmul(inverse, of(0.5, 0)));
    grid = at::matmul(of(1, -0.5), at::matmul(grid, of(1, 0.5)));
    grid = at::matmul(of(in, 0), at::matmul(grid, of(out, 0)));
    const Tensor places =
        at::affine_grid_generator(grid.narrow(1, 0, 2), {x.size(0), x.size(1), 2 * room, 2 * room}, false);
    y = at::grid_sampler(y, places, 0, 0, false);
    // Halved, without the room: what the filter reads at each second pixel.
    const int64_t drop = 2 * pad - (taps_count - 1) / 2;
    const int64_t need = 2 * side - 2 + taps_count;
    y = y.slice(2, drop, drop + need).slice(3, drop, drop + need);
    return Filtered(Filtered(y, taps, 3, 2), taps, 2, 2);
  }

  // [N,4,4] in parts: y = matrix x + shift. Grey pictures keep their hue and saturation.
  Tensor Coloured(const Tensor& x, Draws& draws) const {
    const int64_t channels = std::min<int64_t>(x.size(1), 3);  // transparency is no colour
    const bool colour = channels == 3;
    const auto each = [](const Tensor& values) { return values.view({-1, 1, 1}); };
    Tensor matrix = at::eye(3, x.options()).unsqueeze(0).expand({x.size(0), 3, 3});
    Tensor shift = at::zeros({x.size(0), 3, 1}, x.options());
    const auto then = [&](const Tensor& step) {
      matrix = at::matmul(step, matrix), shift = at::matmul(step, shift);
    };
    const Tensor eye = at::eye(3, x.options()).unsqueeze(0);
    const Tensor grey = at::full({3, 3}, 1.0 / 3, x.options()).unsqueeze(0);  // v v^T of the grey axis v
    const double little = published_ ? 1 : 0.5;
    shift = shift + each(draws.Gated(draws.Normal() * (0.2 * little), 0));
    then(eye * each(draws.Gated(at::pow(2.0, draws.Normal() * (0.5 * little)), 1)));
    if (published_ && colour) {
      then(eye - each(draws.Gated((draws.Uniform() * 2).floor(), 0)) * 2 * grey);
      // A rotation about the grey axis (Rodrigues).
      const Tensor angle = each(draws.Gated((draws.Uniform() * 2 - 1) * kPi, 0));
      const double a = 1 / std::sqrt(3.0);
      const Tensor cross = at::tensor({0., -a, a, a, 0., -a, -a, a, 0.}).view({1, 3, 3}).to(x.options());
      then(grey + (eye - grey) * angle.cos() + cross * angle.sin());
    }
    if (colour) then(grey + (eye - grey) * each(draws.Gated(at::pow(2.0, draws.Normal() * little), 1)));
    Tensor pixels = x.narrow(1, 0, channels).flatten(2);
    if (colour) {
      pixels = at::matmul(matrix, pixels) + shift;
    } else {
      pixels = pixels * matrix.mean({1}, true).sum({2}, true) + shift.mean({1}, true);
    }
    pixels = pixels.view({x.size(0), channels, x.size(2), x.size(3)});
    return channels == x.size(1) ? pixels : at::cat({pixels, x.narrow(1, channels, x.size(1) - channels)}, 1);
  }

  // A square of half the side, whose middle may be anywhere, becomes 0; not in the published set.
  Tensor CutOut(const Tensor& x, Draws& draws) const {
    if (published_) return x;
    const double half = 0.25;
    const Tensor cut = draws.Gated(at::full({x.size(0), 1}, half, x.options()), 0), centre = draws.Uniform(2);
    const int64_t side = x.size(3);
    const Tensor middle = (at::arange(side, x.options()) + 0.5) / side;
    const Tensor outside_x = (middle.view({1, side}) - centre.narrow(1, 0, 1)).abs() >= cut;
    const Tensor outside_y = (middle.view({1, side}) - centre.narrow(1, 1, 1)).abs() >= cut;
    const Tensor kept = at::logical_or(outside_x.view({-1, 1, 1, side}), outside_y.view({-1, 1, side, 1}));
    return x * kept.to(x.scalar_type());
  }

  bool published_;
  Tensor taps_;  // sums to 1
};

}  // namespace

std::unique_ptr<Augmentation> MakeAdaptive(bool published) { return std::make_unique<Adaptive>(published); }

}  // namespace shinsaku
