// Of each picture of two sets: what precision and recall (Kynkaanniemi et al. 2019), density and coverage
// (Naeem et al. 2020) and AuthPct (Alaa et al. 2022) are means of.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "core/evaluate/features.h"
#include "core/evaluate/pairs.h"
#include "core/evaluate/stages.h"

namespace shinsaku {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

struct Set {
  std::vector<at::Tensor> blocks;
  int64_t count = 0;
  at::Tensor
      nearest;  // [count,k], distances to the nearest pictures of the same set, itself apart, ascending

  at::Tensor Part(const at::Tensor& of_all, size_t block) const {
    return of_all.narrow(0, static_cast<int64_t>(block) * kBlockRows, blocks[block].size(0));
  }
  at::Tensor radii(size_t block) const { return Part(nearest, block).select(1, nearest.size(1) - 1); }
};

class PrecisionRecall : public Stages {
 public:
  PrecisionRecall(const FeatureRows& real, const FeatureRows& fake, const Spec& args, int64_t threads)
      : Stages(threads), k_(Integer(args, "k")) {
    const UnitScope scope(spec());
    if (k_ < 1) throw Failure("NATIVE_FAILED", "option \"k\" must be 1 or more in the native spec");
    RequireSameWidth(real, fake);
    for (const FeatureRows* rows : {&real, &fake}) RequireRows(*rows, k_ + 1, "precision and recall");
    real_ = {real.Blocks(), real.kept(), at::full({real.kept(), k_}, kFar, at::kDouble)};
    fake_ = {fake.Blocks(), fake.kept(), at::full({fake.kept(), k_}, kFar, at::kDouble)};
    precise_ = at::zeros({fake_.count}, at::kDouble);
    density_ = at::zeros({fake_.count}, at::kDouble);
    nearest_ = at::zeros({fake_.count}, at::kLong);
    nearest_distance_ = at::full({fake_.count}, kFar, at::kDouble);
    recalled_ = at::zeros({real_.count}, at::kDouble);
    covered_ = at::zeros({real_.count}, at::kDouble);
    AddOwnDistances(real_);
    AddOwnDistances(fake_);
    for (size_t i = 0; i < real_.blocks.size(); ++i)
      for (size_t j = 0; j < fake_.blocks.size(); ++j) Add([this, i, j] { Compare(i, j); });
  }

 protected:
  Results Finish() override {
    const at::Tensor own = real_.nearest.select(1, 0).index_select(0, nearest_);
    return {{"precise", ToVector(precise_)},
            {"density", ToVector(density_ / static_cast<double>(k_))},
            {"authentic", ToVector(nearest_distance_ > own)},
            {"nearest", ToVector(nearest_)},
            {"nearestDistance", ToVector(nearest_distance_)},
            {"recalled", ToVector(recalled_)},
            {"covered", ToVector(covered_)}};
  }

 private:
  static std::vector<double> ToVector(const at::Tensor& tensor) {
    const at::Tensor doubles = tensor.to(at::kDouble).contiguous();
    const auto* begin = doubles.const_data_ptr<double>();
    return {begin, begin + doubles.numel()};
  }

  void AddOwnDistances(Set& set) {
    for (size_t i = 0; i < set.blocks.size(); ++i)
      for (size_t j = 0; j < set.blocks.size(); ++j)
        Add([&set, k = k_, i, j] {
          at::Tensor distances = Distances(set.blocks[i], set.blocks[j]);
          if (i == j) distances.fill_diagonal_(kFar);
          const at::Tensor nearest = set.Part(set.nearest, i);
          nearest.copy_(std::get<0>(at::topk(at::cat({nearest, distances}, 1), k, 1, false, true)));
        });
  }

  // Real pictures of one block with fake ones of another.
  void Compare(size_t i, size_t j) {
    const at::Tensor distances = Distances(real_.blocks[i], fake_.blocks[j]);
    const at::Tensor in_real = distances < real_.radii(i).unsqueeze(1);
    const at::Tensor in_fake = distances < fake_.radii(j).unsqueeze(0);
    const at::Tensor balls = in_real.sum(0);
    fake_.Part(density_, j).add_(balls);
    const auto mark = [](const at::Tensor& marks, const at::Tensor& where) { marks.masked_fill_(where, 1); };
    mark(fake_.Part(precise_, j), balls > 0);
    mark(real_.Part(recalled_, i), in_fake.any(1));
    // Its nearest fake picture lies in its ball where any does.
    mark(real_.Part(covered_, i), in_real.any(1));

    const auto [least, index] = distances.min(0);
    const at::Tensor best = fake_.Part(nearest_distance_, j), which = fake_.Part(nearest_, j);
    which.copy_(at::where(least < best, index + static_cast<int64_t>(i) * kBlockRows, which));
    best.copy_(at::minimum(least, best));
  }

  int64_t k_;
  Set real_, fake_;
  at::Tensor precise_, density_, nearest_, nearest_distance_;  // of each fake picture
  at::Tensor recalled_, covered_;                              // of each real picture
};

}  // namespace

std::unique_ptr<Measure> MeasurePrecisionRecall(std::shared_ptr<Features> real,
                                                std::shared_ptr<Features> fake, const Spec& args,
                                                int64_t threads) {
  return std::make_unique<PrecisionRecall>(RowsOf(*real), RowsOf(*fake), args, threads);
}

}  // namespace shinsaku
