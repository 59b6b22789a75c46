// Patches of pictures at every level of their Laplacian pyramids (Karras et al. 2018, section 5), values of 0
// to 255.
#include "core/evaluate/patches.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "core/data/image_set.h"
#include "core/data/pixels.h"
#include "core/evaluate/measuring.h"
#include "core/runtime/cancel.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

constexpr int64_t kSide = 7;        // of a patch
constexpr int64_t kLeastSide = 16;  // of the smallest level

// The binomial filter of five taps in both directions, with the picture mirrored at its edges.
at::Tensor Blurred(const at::Tensor& x, double gain) {
  const at::Tensor taps = at::tensor({1.0, 4.0, 6.0, 4.0, 1.0}, at::kFloat) / 16;
  const int64_t channels = x.size(1);
  const at::Tensor kernel = (at::outer(taps, taps) * gain).expand({channels, 1, 5, 5}).contiguous();
  const int64_t one[] = {1, 1}, none[] = {0, 0};
  return at::conv2d(at::reflection_pad2d(x, {2, 2, 2, 2}), kernel, {}, one, none, one, channels);
}

at::Tensor Halved(const at::Tensor& x) {
  return Blurred(x, 1).slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2).contiguous();
}

// Twice as large: zeros in between, and the filter with four times its gain.
at::Tensor Doubled(const at::Tensor& x) {
  const at::Tensor y = at::zeros({x.size(0), x.size(1), 2 * x.size(2), 2 * x.size(3)}, x.options());
  y.slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2).copy_(x);
  return Blurred(y, 4);
}

// What each level has beside the next one; the last as it is.
std::vector<at::Tensor> LaplacianPyramid(at::Tensor x) {
  std::vector<at::Tensor> levels;
  while (x.size(2) % 2 == 0 && x.size(3) % 2 == 0 && std::min(x.size(2), x.size(3)) / 2 >= kLeastSide) {
    const at::Tensor half = Halved(x);
    levels.push_back(x - Doubled(half));
    x = half;
  }
  levels.push_back(x);
  return levels;
}

}  // namespace

PatchSet::PatchSet(const Spec& args, int64_t threads)
    : spec_(MeasuringSpec(threads)),
      per_picture_(Integer(args, "perPicture")),
      generator_(CpuGenerator(static_cast<uint64_t>(Integer(args, "seed")))) {
  if (per_picture_ < 1)
    throw Failure("NATIVE_FAILED", "option \"perPicture\" must be 1 or more in the native spec");
}

void PatchSet::Append(Bytes pixels, const std::vector<int64_t>& shape) {
  ThrowIfCancelled();
  const UnitScope scope(spec_);
  RequirePictures(pixels, shape);
  if (shape[1] < kSide || shape[2] < kSide)
    throw Failure("SHAPE_INVALID",
                  "patches of 7 x 7 need pictures of that size or more; these are " + SizesText(shape));
  if (count_ > 0 && !std::equal(shape.begin() + 1, shape.end(), shape_.begin() + 1))
    throw Failure("SHAPE_INVALID", "pictures of shape " + SizesText(shape) +
                                       " do not belong to those before, " + SizesText(shape_));
  shape_ = shape;
  // from_blob only reads.
  const at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(pixels.data()), shape, at::kByte);
  const auto pyramid = LaplacianPyramid(ToByteValues(bytes).contiguous());
  levels_.resize(pyramid.size());
  // Places are drawn picture by picture, so that they do not depend on how many come at once.
  std::vector<std::vector<at::Tensor>> rows(pyramid.size()), columns(pyramid.size());
  for (int64_t picture = 0; picture < shape[0]; ++picture)
    for (size_t i = 0; i < pyramid.size(); ++i) {
      rows[i].push_back(at::randint(pyramid[i].size(2) - kSide + 1, {per_picture_}, generator_, at::kLong));
      columns[i].push_back(
          at::randint(pyramid[i].size(3) - kSide + 1, {per_picture_}, generator_, at::kLong));
    }
  const at::Tensor pictures = at::arange(shape[0], at::kLong).repeat_interleave(per_picture_);
  for (size_t i = 0; i < pyramid.size(); ++i) {
    // [n,rows,columns,C,7,7]
    const at::Tensor windows = pyramid[i].unfold(2, kSide, 1).unfold(3, kSide, 1).permute({0, 2, 3, 1, 4, 5});
    levels_[i].push_back(windows.index({pictures, at::cat(rows[i]), at::cat(columns[i])}));
  }
  count_ += shape[0];
}

int64_t PatchSet::HostBytes() const {
  int64_t bytes = 0;
  for (const auto& level : levels_)
    for (const at::Tensor& patches : level) bytes += HostBytesOf(patches);
  return bytes;
}

std::unique_ptr<Patches> MakePatches(const Spec& args, int64_t threads) {
  return std::make_unique<PatchSet>(args, threads);
}

}  // namespace shinsaku
