// The kernel distance of two sets of features (KID, Binkowski et al. 2018): the unbiased squared MMD of all
// pairs.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <random>

#include "core/evaluate/features.h"
#include "core/evaluate/pairs.h"
#include "core/evaluate/stages.h"

namespace shinsaku {
namespace {

// How often each of `count` pictures is in each resample of as many, int16 [count,resamples].
at::Tensor Resample(int64_t count, int64_t resamples, std::mt19937_64& random) {
  at::Tensor times = at::zeros({resamples, count}, at::kShort);
  auto* row = times.mutable_data_ptr<int16_t>();
  for (int64_t r = 0; r < resamples; ++r, row += count)
    for (int64_t i = 0; i < count; ++i)
      ++row[static_cast<int64_t>(static_cast<double>(random() >> 11) * 0x1p-53 * static_cast<double>(count))];
  return times.t().contiguous();
}

// A set: its rows in blocks, and how often each is in each resample.
struct Set {
  std::vector<at::Tensor> blocks;
  at::Tensor times;
  int64_t count = 0;

  at::Tensor TimesOf(size_t block) const {
    return times.narrow(0, static_cast<int64_t>(block) * kBlockRows, blocks[block].size(0)).to(at::kDouble);
  }
};

// Sums of the kernel over pairs of two sets, of the sets as they are and of each resample.
struct Sums {
  double all = 0;
  at::Tensor resamples;  // [resamples]
};

class KernelDistance : public Stages {
 public:
  KernelDistance(const FeatureRows& a, const FeatureRows& b, const Spec& args, int64_t threads)
      : Stages(threads) {
    const UnitScope scope(spec());
    RequireSameWidth(a, b);
    for (const FeatureRows* rows : {&a, &b}) RequireRows(*rows, 2, "a kernel distance");
    const int64_t resamples = Integer(args, "bootstraps");
    if (resamples < 0)
      throw Failure("NATIVE_FAILED", "option \"bootstraps\" must be 0 or more in the native spec");
    std::mt19937_64 random(static_cast<uint64_t>(Integer(args, "seed")));
    a_ = {a.Blocks(), Resample(a.kept(), resamples, random), a.kept()};
    b_ = {b.Blocks(), Resample(b.kept(), resamples, random), b.kept()};
    for (Sums* sums : {&aa_, &bb_, &ab_}) sums->resamples = at::zeros({resamples}, at::kDouble);
    AddOwnPairs(a_, aa_);
    AddOwnPairs(b_, bb_);
    for (size_t i = 0; i < a_.blocks.size(); ++i)
      for (size_t j = 0; j < b_.blocks.size(); ++j)
        Add([this, i, j] { AddPairs(a_, i, b_, j, 1, CubicKernel(a_.blocks[i], b_.blocks[j]), ab_); });
  }

 protected:
  Results Finish() override {
    const auto n = static_cast<double>(a_.count), m = static_cast<double>(b_.count);
    const double value = aa_.all / (n * (n - 1)) + bb_.all / (m * (m - 1)) - 2 * ab_.all / (n * m);
    const at::Tensor of_resamples =
        aa_.resamples / OwnPairs(a_) + bb_.resamples / OwnPairs(b_) - ab_.resamples * (2 / (n * m));
    const auto* begin = of_resamples.const_data_ptr<double>();
    return {{"value", value}, {"bootstraps", std::vector<double>(begin, begin + of_resamples.numel())}};
  }

 private:
  void AddOwnPairs(const Set& set, Sums& sums) {
    for (size_t i = 0; i < set.blocks.size(); ++i)
      for (size_t j = i; j < set.blocks.size(); ++j)
        Add([&set, &sums, i, j] {
          at::Tensor kernel = CubicKernel(set.blocks[i], set.blocks[j]);
          // A picture is no pair with itself, nor with its copies in a resample.
          if (i == j) kernel.fill_diagonal_(0);
          AddPairs(set, i, set, j, i == j ? 1 : 2, kernel, sums);
        });
  }

  static void AddPairs(const Set& a, size_t i, const Set& b, size_t j, double factor,
                       const at::Tensor& kernel, Sums& sums) {
    sums.all += factor * kernel.sum().item<double>();
    if (sums.resamples.numel() == 0) return;
    const at::Tensor weighted = at::mm(kernel, b.TimesOf(j)).mul_(a.TimesOf(i));
    sums.resamples.add_(weighted.sum(0), factor);
  }

  // Pairs of different pictures in each resample: (sum t)^2 - sum t^2. A resample of one picture only has
  // none.
  static at::Tensor OwnPairs(const Set& set) {
    const auto n = static_cast<double>(set.count);
    return (n * n - set.times.to(at::kDouble).square().sum(0)).clamp_min(1);
  }

  Set a_, b_;
  Sums aa_, bb_, ab_;
};

}  // namespace

std::unique_ptr<Measure> MeasureKernelDistance(std::shared_ptr<Features> a, std::shared_ptr<Features> b,
                                               const Spec& args, int64_t threads) {
  return std::make_unique<KernelDistance>(RowsOf(*a), RowsOf(*b), args, threads);
}

}  // namespace shinsaku
