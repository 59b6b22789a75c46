// Rows of features in blocks, and their mean and covariance in float64.
#include "core/evaluate/features.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/evaluate/measuring.h"
#include "core/runtime/cancel.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  const auto* begin = flat.const_data_ptr<double>();
  return {begin, begin + flat.numel()};
}

}  // namespace

void Moments::Add(const at::Tensor& rows) {
  ThrowIfCancelled();
  const int64_t n = rows.size(0);
  const at::Tensor mean = rows.mean(0), centred = rows - mean;
  const at::Tensor scatter = at::mm(centred.t(), centred);
  if (count_ == 0) {
    mean_ = mean;
    scatter_ = scatter;
  } else {
    // Chan, Golub and LeVeque 1979, for two sets of any size.
    const at::Tensor between = mean - mean_;
    const auto all = static_cast<double>(count_ + n);
    scatter_.add_(scatter);
    scatter_.add_(at::outer(between, between), static_cast<double>(count_) * static_cast<double>(n) / all);
    mean_.add_(between, static_cast<double>(n) / all);
  }
  count_ += n;
}

Moments Moments::Copy() const {
  Moments copy;
  copy.count_ = count_;
  if (count_ > 0) {
    copy.mean_ = mean_.clone();
    copy.scatter_ = scatter_.clone();
  }
  return copy;
}

at::Tensor Moments::covariance() const { return scatter_ / static_cast<double>(count_ - 1); }

int64_t Moments::HostBytes() const { return count_ == 0 ? 0 : HostBytesOf(mean_) + HostBytesOf(scatter_); }

FeatureRows::FeatureRows(int64_t width, int64_t keep, int64_t threads)
    : spec_(MeasuringSpec(threads)), width_(width), keep_(keep) {
  if (width < 1) throw Failure("SHAPE_INVALID", "rows of features need a width of 1 or more");
}

void FeatureRows::Append(Floats rows) {
  const UnitScope scope(spec_);
  if (rows.size() % static_cast<size_t>(width_) != 0)
    throw Failure("SHAPE_INVALID", std::to_string(rows.size()) + " values are no whole rows of " +
                                       std::to_string(width_) + " features");
  const auto count = static_cast<int64_t>(rows.size()) / width_;
  // from_blob only reads.
  const at::Tensor given = at::from_blob(const_cast<float*>(rows.data()), {count, width_}, at::kFloat);
  if (!at::isfinite(given).all().item<bool>())
    throw Failure("WEIGHTS_NOT_FINITE", "a feature is NaN or infinite");
  int64_t begin = 0;
  while (begin < count) {
    const int64_t place = kept_ % kBlockRows;
    if (kept_ >= keep_) {
      const int64_t taken = std::min(count - begin, kBlockRows);
      beyond_.Add(given.narrow(0, begin, taken).to(at::kDouble));
      begin += taken;
      continue;
    }
    if (place == 0) blocks_.push_back(at::empty({std::min(kBlockRows, keep_ - kept_), width_}, at::kFloat));
    const int64_t taken = std::min(count - begin, blocks_.back().size(0) - place);
    blocks_.back().narrow(0, place, taken).copy_(given.narrow(0, begin, taken));
    begin += taken;
    kept_ += taken;
  }
}

std::vector<at::Tensor> FeatureRows::Blocks() const {
  std::vector<at::Tensor> blocks;
  for (int64_t begin = 0; begin < kept_; begin += kBlockRows)
    blocks.push_back(
        blocks_[static_cast<size_t>(begin / kBlockRows)].narrow(0, 0, std::min(kBlockRows, kept_ - begin)));
  return blocks;
}

Statistics FeatureRows::Compute() {
  const UnitScope scope(spec_);
  if (count() < 2)
    throw Failure("DATA_TOO_FEW",
                  "a covariance needs at least 2 pictures; there are " + std::to_string(count()));
  Moments all = beyond_.Copy();
  for (const at::Tensor& block : Blocks()) all.Add(block.to(at::kDouble));
  return {all.count(), ToVector(all.mean()), ToVector(all.covariance())};
}

int64_t FeatureRows::HostBytes() const {
  int64_t bytes = beyond_.HostBytes();
  for (const at::Tensor& block : blocks_) bytes += HostBytesOf(block);
  return bytes;
}

const FeatureRows& RowsOf(const Features& features) { return dynamic_cast<const FeatureRows&>(features); }

void RequireSameWidth(const FeatureRows& a, const FeatureRows& b) {
  if (a.width() != b.width())
    throw Failure("SHAPE_INVALID", "features of width " + std::to_string(a.width()) +
                                       " cannot be compared with features of width " +
                                       std::to_string(b.width()));
}

void RequireRows(const FeatureRows& rows, int64_t least, const char* measure) {
  if (rows.kept() < least)
    throw Failure("DATA_TOO_FEW", std::string(measure) + " needs at least " + std::to_string(least) +
                                      " pictures of each set; one has " + std::to_string(rows.kept()));
}

std::unique_ptr<Features> MakeFeatures(int64_t width, int64_t keep, int64_t threads) {
  return std::make_unique<FeatureRows>(width, keep, threads);
}

}  // namespace shinsaku
