// The sliced Wasserstein distance of two sets of pictures (Karras et al. 2018): of patches of each level of
// their Laplacian pyramids, normalised for each channel, the mean over random directions of the Wasserstein-1
// distance of what is projected, times 1,000 as they print it.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include <algorithm>

#include "core/data/image_set.h"
#include "core/evaluate/patches.h"
#include "core/evaluate/stages.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

// Directions of one unit.
constexpr int64_t kDirections = 16;

// [n,C * 49]: each channel with mean 0 and deviation 1 over all patches of the set.
at::Tensor Normalised(const at::Tensor& patches) {
  const at::Tensor mean = patches.mean({0, 2, 3}, true);
  const at::Tensor deviation = patches.std({0, 2, 3}, false, true).clamp_min(1e-8);
  return ((patches - mean) / deviation).flatten(1);
}

// Where two step functions of n and m equal steps on [0,1] may change: pieces with the step of each, and
// their widths.
struct Pieces {
  Pieces(int64_t n, int64_t m) {
    const at::Tensor ends = std::get<0>(
        at::cat({at::arange(1, n + 1, at::kLong) * m, at::arange(1, m + 1, at::kLong) * n}).sort());
    const at::Tensor begins = at::cat({at::arange(0, 1, at::kLong), ends.narrow(0, 0, n + m - 1)});
    width = (ends - begins).to(at::kDouble) / (static_cast<double>(n) * static_cast<double>(m));
    of_a = begins.div(m, "floor").clamp_max(n - 1);
    of_b = begins.div(n, "floor").clamp_max(m - 1);
  }
  at::Tensor width, of_a, of_b;
};

class SlicedWasserstein : public Stages {
 public:
  SlicedWasserstein(const PatchSet& a, const PatchSet& b, const Spec& args, int64_t threads)
      : Stages(threads),
        a_(a.levels()),
        b_(b.levels()),
        generator_(CpuGenerator(static_cast<uint64_t>(Integer(args, "seed")))) {
    const int64_t projections = Integer(args, "projections");
    if (projections < 1)
      throw Failure("NATIVE_FAILED", "option \"projections\" must be 1 or more in the native spec");
    for (const PatchSet* set : {&a, &b})
      if (set->count() == 0)
        throw Failure("DATA_TOO_FEW", "a sliced Wasserstein distance needs pictures of both sets");
    if (!std::equal(a.shape().begin() + 1, a.shape().end(), b.shape().begin() + 1))
      throw Failure("SHAPE_INVALID", "pictures of shape " + SizesText(a.shape()) +
                                         " cannot be compared with those of shape " + SizesText(b.shape()));
    height_ = a.shape()[1];
    of_levels_.assign(a_.size(), 0);
    for (size_t level = 0; level < a_.size(); ++level) {
      Add([this, level] { Enter(level); });
      for (int64_t begin = 0; begin < projections; begin += kDirections)
        Add([this, level, projections, count = std::min(kDirections, projections - begin)] {
          of_levels_[level] += 1000 * Project(count) / static_cast<double>(projections);
        });
    }
  }

 protected:
  Results Finish() override {
    double sum = 0;
    std::vector<double> heights;
    for (size_t level = 0; level < of_levels_.size(); ++level) {
      sum += of_levels_[level];
      heights.push_back(static_cast<double>(height_ >> level));
    }
    return {{"value", sum / static_cast<double>(of_levels_.size())},
            {"levels", of_levels_},
            {"heights", heights}};
  }

 private:
  void Enter(size_t level) {
    rows_a_ = Normalised(at::cat(a_[level]));
    rows_b_ = Normalised(at::cat(b_[level]));
    pieces_.emplace(rows_a_.size(0), rows_b_.size(0));
  }

  // Sum over `count` directions.
  double Project(int64_t count) {
    const at::Tensor drawn = at::randn({count, rows_a_.size(1)}, generator_);
    const at::Tensor directions = drawn / at::linalg_vector_norm(drawn, 2.0, {1}, true).clamp_min(1e-12);
    const auto sorted = [&](const at::Tensor& rows) {
      return std::get<0>(at::mm(directions, rows.t()).sort(1));
    };
    const at::Tensor a = sorted(rows_a_), b = sorted(rows_b_);
    if (a.size(1) == b.size(1)) return (a - b).abs().mean(1).sum().item<double>();
    const at::Tensor apart = (a.index_select(1, pieces_->of_a) - b.index_select(1, pieces_->of_b)).abs();
    return (apart.to(at::kDouble) * pieces_->width).sum().item<double>();
  }

  std::vector<std::vector<at::Tensor>> a_, b_;
  int64_t height_ = 0;
  at::Generator generator_;
  at::Tensor rows_a_, rows_b_;
  std::optional<Pieces> pieces_;
  std::vector<double> of_levels_;
};

}  // namespace

std::unique_ptr<Measure> MeasureSlicedWasserstein(std::shared_ptr<Patches> a, std::shared_ptr<Patches> b,
                                                  const Spec& args, int64_t threads) {
  return std::make_unique<SlicedWasserstein>(dynamic_cast<const PatchSet&>(*a),
                                             dynamic_cast<const PatchSet&>(*b), args, threads);
}

}  // namespace shinsaku
