// MIND (Berthet et al. 2026): the mean over random directions of the squared Wasserstein-2 distance of the
// projected features, times three times their width. Numbers are drawn as torch-fidelity draws them, from one
// CPU generator.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>

#include <algorithm>

#include "core/evaluate/features.h"
#include "core/evaluate/stages.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

// Directions of one unit: what is projected of 50,000 pictures takes 13 MB.
constexpr int64_t kDirections = 64;

class Mind : public Stages {
 public:
  Mind(const FeatureRows& a, const FeatureRows& b, const Spec& args, int64_t threads) : Stages(threads) {
    const UnitScope scope(spec());
    RequireSameWidth(a, b);
    for (const FeatureRows* rows : {&a, &b}) RequireRows(*rows, 1, "MIND");
    const int64_t projections = Integer(args, "projections");
    if (projections < 1)
      throw Failure("NATIVE_FAILED", "option \"projections\" must be 1 or more in the native spec");
    at::Generator generator = CpuGenerator(static_cast<uint64_t>(Integer(args, "seed")));
    count_ = std::min(a.kept(), b.kept());
    a_ = Choose(a, generator);
    b_ = Choose(b, generator);
    directions_ = at::randn({projections, a.width()}, generator);
    directions_ = directions_ / at::linalg_vector_norm(directions_, 2.0, {1}, true).clamp_min(1e-12);
    for (int64_t begin = 0; begin < projections; begin += kDirections)
      Add([this, begin, end = std::min(begin + kDirections, projections)] { Project(begin, end); });
  }

 protected:
  Results Finish() override {
    return {{"value", 3.0 * static_cast<double>(directions_.size(1)) * sum_ /
                          static_cast<double>(directions_.size(0))}};
  }

 private:
  // A set: its rows in blocks, and which of them count where it is the larger one.
  struct Set {
    std::vector<at::Tensor> blocks;
    at::Tensor chosen;
  };

  Set Choose(const FeatureRows& rows, at::Generator& generator) const {
    Set set{rows.Blocks(), {}};
    if (rows.kept() > count_) set.chosen = at::randperm(rows.kept(), generator).narrow(0, 0, count_);
    return set;
  }

  static at::Tensor Sorted(const Set& set, const at::Tensor& directions) {
    std::vector<at::Tensor> projected;
    for (const at::Tensor& block : set.blocks) projected.push_back(at::mm(block, directions.t()));
    at::Tensor all = at::cat(projected);
    if (set.chosen.defined()) all = all.index_select(0, set.chosen);
    return std::get<0>(all.t().contiguous().sort(1));
  }

  void Project(int64_t begin, int64_t end) {
    const at::Tensor directions = directions_.narrow(0, begin, end - begin);
    sum_ += (Sorted(a_, directions) - Sorted(b_, directions)).square().mean(1).sum().item<double>();
  }

  int64_t count_ = 0;
  Set a_, b_;
  at::Tensor directions_;
  double sum_ = 0;
};

}  // namespace

std::unique_ptr<Measure> MeasureMind(std::shared_ptr<Features> a, std::shared_ptr<Features> b,
                                     const Spec& args, int64_t threads) {
  return std::make_unique<Mind>(RowsOf(*a), RowsOf(*b), args, threads);
}

}  // namespace shinsaku
