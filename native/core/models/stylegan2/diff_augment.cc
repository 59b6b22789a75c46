// DiffAugment (Zhao 2020, arXiv 2006.10738): colour, translation and cutout, of every picture, always.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include "core/models/stylegan2/augmentation.h"

namespace shinsaku {
namespace {

using at::Tensor;

class DiffAugment : public Augmentation {
 public:
  Tensor Apply(const Tensor& x, at::Generator generator, const Tensor&) const override {
    return CutOut(Translate(Colour(x, generator), generator), generator);
  }

 private:
  static Tensor Uniform(const Tensor& x, at::Generator& generator) {
    return at::rand({x.size(0), 1, 1, 1}, generator, x.options());
  }
  // Whole numbers below `end` from `begin` on, [N,1,1].
  static Tensor Whole(const Tensor& x, int64_t begin, int64_t end, at::Generator& generator) {
    return at::randint(begin, end, {x.size(0), 1, 1}, generator, x.options().dtype(at::kLong));
  }

  // Brightness by up to 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5.
  static Tensor Colour(const Tensor& x, at::Generator& generator) {
    Tensor y = x + (Uniform(x, generator) - 0.5);
    const Tensor grey = y.mean({1}, true);
    y = (y - grey) * (Uniform(x, generator) * 2) + grey;
    const Tensor mean = y.mean({1, 2, 3}, true);
    return (y - mean) * (Uniform(x, generator) + 0.5) + mean;
  }

  // By whole pixels, up to an eighth of the side; zeros come in.
  static Tensor Translate(const Tensor& x, at::Generator& generator) {
    const int64_t n = x.size(0), side = x.size(2), most = (side + 4) / 8;
    const Tensor down = Whole(x, -most, most + 1, generator), right = Whole(x, -most, most + 1, generator);
    const auto whole = x.options().dtype(at::kLong);
    const Tensor pixels = at::arange(side, whole);
    // Into the picture with a border of zeros, which all places outside of it are.
    const Tensor rows = (pixels.view({1, side, 1}) + down + 1).clamp(0, side + 1);
    const Tensor columns = (pixels.view({1, 1, side}) + right + 1).clamp(0, side + 1);
    const Tensor bordered = at::constant_pad_nd(x, {1, 1, 1, 1}).flatten(2);  // [N,C,(side+2)^2]
    const Tensor places = (rows * (side + 2) + columns).view({n, 1, side * side});
    return bordered.gather(2, places.expand({n, x.size(1), side * side})).view(x.sizes());
  }

  // Zeros in a square of half the side, whose middle may be anywhere.
  static Tensor CutOut(const Tensor& x, at::Generator& generator) {
    const int64_t side = x.size(2), cut = (side + 1) / 2;
    const int64_t places = side + (1 - cut % 2);
    const Tensor top = Whole(x, 0, places, generator) - cut / 2,
                 left = Whole(x, 0, places, generator) - cut / 2;
    const Tensor pixels = at::arange(side, x.options().dtype(at::kLong));
    const auto within = [&](const Tensor& place, const Tensor& first) {
      return at::logical_and(place >= first, place < first + cut);
    };
    const Tensor hole =
        at::logical_and(within(pixels.view({1, side, 1}), top), within(pixels.view({1, 1, side}), left));
    return x * hole.logical_not().unsqueeze(1).to(x.scalar_type());
  }
};

}  // namespace

std::unique_ptr<Augmentation> MakeDiffAugment() { return std::make_unique<DiffAugment>(); }

std::unique_ptr<Augmentation> MakeAugmentation(const Spec& spec) {
  const std::string& name = Text(spec, "augment");
  if (name == "none") return nullptr;
  if (name == "diffaugment") return MakeDiffAugment();
  if (name == "ada") return MakeAdaptive(Text(spec, "augmentSet") == "published");
  throw Failure("NATIVE_FAILED", "unknown augmentation \"" + name + "\"");
}

}  // namespace shinsaku
