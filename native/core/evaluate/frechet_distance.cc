// The Frechet distance of two sets of features, as normal distributions (FID, Heusel et al. 2017), in
// float64: |mean a - mean b|^2 + tr A + tr B - 2 tr (A B)^(1/2). The last trace is the sum of the singular
// values of F G^T for any factors of the covariances A = F^T F and B = G^T G. Centred rows over sqrt(n-1) are
// one: with fewer pictures than features their product is small, and more accurate than a root of the
// singular A B.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/mm.h>

#include <cmath>
#include <tuple>

#include "core/evaluate/features.h"
#include "core/evaluate/stages.h"

namespace shinsaku {
namespace {

// A normal distribution: its mean, and its covariance either as it is or as a factor with fewer rows.
struct Normal {
  at::Tensor mean;        // [width]
  at::Tensor factor;      // [n,width], or undefined
  at::Tensor covariance;  // [width,width], where the factor is undefined

  double trace() const {
    return (factor.defined() ? factor.square().sum() : covariance.diagonal().sum()).item<double>();
  }
};

at::Tensor OfDoubles(Doubles values, at::IntArrayRef shape) {
  // from_blob only reads.
  const at::Tensor tensor = at::from_blob(const_cast<double*>(values.data()), shape, at::kDouble).clone();
  if (!std::isfinite(tensor.sum().item<double>()))
    throw Failure("WEIGHTS_NOT_FINITE", "the statistics hold NaN or an infinity");
  return tensor;
}

Normal OfStatistics(const StatisticsView& statistics) {
  const auto width = static_cast<int64_t>(statistics.mean.size());
  if (width < 1 || statistics.covariance.size() != statistics.mean.size() * statistics.mean.size())
    throw Failure("SHAPE_INVALID", "a covariance of " + std::to_string(statistics.covariance.size()) +
                                       " values does not belong to a mean of " + std::to_string(width));
  return {OfDoubles(statistics.mean, {width}), {}, OfDoubles(statistics.covariance, {width, width})};
}

// F with covariance = F^T F; rounding makes eigenvalues that are 0 a little less.
at::Tensor Factor(const at::Tensor& covariance) {
  const auto [values, vectors] = at::linalg_eigh(covariance);
  return (vectors * values.clamp_min(0).sqrt()).t();
}

// Of F^T F times `covariance`, whose root has the trace of that of the smaller F covariance F^T.
double TraceOfRootOf(const at::Tensor& factor, const at::Tensor& covariance) {
  const at::Tensor product = at::mm(at::mm(factor, covariance), factor.t());
  return at::linalg_eigvalsh(product).clamp_min(0).sqrt().sum().item<double>();
}

double TraceOfRoot(const Normal& a, const Normal& b) {
  if (!a.factor.defined() && !b.factor.defined()) return TraceOfRootOf(Factor(a.covariance), b.covariance);
  if (a.factor.defined() && b.factor.defined())
    return at::linalg_svdvals(at::mm(a.factor, b.factor.t())).sum().item<double>();
  const auto& [factor, covariance] =
      a.factor.defined() ? std::tie(a.factor, b.covariance) : std::tie(b.factor, a.covariance);
  return TraceOfRootOf(factor, covariance);
}

// One of the two, and what is still to be added to its moments.
struct Side {
  Normal normal;
  Moments moments;
  std::vector<at::Tensor> blocks;
};

class FrechetDistance : public Stages {
 public:
  FrechetDistance(const FeaturesOrStatistics& a, const FeaturesOrStatistics& b, int64_t threads)
      : Stages(threads) {
    const UnitScope scope(spec());
    const int64_t width_a = Take(a, a_), width_b = Take(b, b_);
    if (width_a != width_b)
      throw Failure("SHAPE_INVALID", "features of width " + std::to_string(width_a) +
                                         " cannot be compared with features of width " +
                                         std::to_string(width_b));
    // One decomposition of LAPACK, which cannot be divided: seconds for 2,048 features.
    Add([this] {
      for (Side* side : {&a_, &b_})
        if (!side->normal.mean.defined())
          side->normal = {side->moments.mean(), {}, side->moments.covariance()};
      mean_term_ = (a_.normal.mean - b_.normal.mean).square().sum().item<double>();
      covariance_term_ = a_.normal.trace() + b_.normal.trace() - 2 * TraceOfRoot(a_.normal, b_.normal);
      a_ = {};
      b_ = {};
    });
  }

 protected:
  Results Finish() override {
    return {{"value", mean_term_ + covariance_term_},
            {"meanTerm", mean_term_},
            {"covarianceTerm", covariance_term_}};
  }

 private:
  // Its width. What takes long becomes units.
  int64_t Take(const FeaturesOrStatistics& given, Side& side) {
    if (const auto* statistics = std::get_if<StatisticsView>(&given)) {
      side.normal = OfStatistics(*statistics);
      return side.normal.mean.size(0);
    }
    const FeatureRows& rows = RowsOf(*std::get<std::shared_ptr<Features>>(given));
    if (rows.count() < 2)
      throw Failure("DATA_TOO_FEW", "a Frechet distance needs at least 2 pictures of each set; one has " +
                                        std::to_string(rows.count()));
    if (rows.count() == rows.kept() && rows.count() < rows.width()) {
      const at::Tensor all = at::cat(rows.Blocks()).to(at::kDouble), mean = all.mean(0);
      side.normal = {mean, (all - mean) / std::sqrt(static_cast<double>(rows.count() - 1)), {}};
      return rows.width();
    }
    side.moments = rows.beyond().Copy();
    side.blocks = rows.Blocks();
    for (size_t i = 0; i < side.blocks.size(); ++i)
      Add([&side, i] { side.moments.Add(side.blocks[i].to(at::kDouble)); });
    return rows.width();
  }

  Side a_, b_;
  double mean_term_ = 0, covariance_term_ = 0;
};

}  // namespace

std::unique_ptr<Measure> MeasureFrechetDistance(const FeaturesOrStatistics& a, const FeaturesOrStatistics& b,
                                                int64_t threads) {
  return std::make_unique<FrechetDistance>(a, b, threads);
}

}  // namespace shinsaku
