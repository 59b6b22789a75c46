// Rows of features in blocks, and their mean and covariance in float64.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/api.h"

namespace shinsaku {

// The most rows of a block; what is computed of pairs goes block by block, so that memory does not grow with
// the number of rows.
inline constexpr int64_t kBlockRows = 1024;

// Mean and scatter (sum of squared deviations) of rows that are added piece by piece.
class Moments {
 public:
  void Add(const at::Tensor& rows);  // float64 [n,width]
  Moments Copy() const;
  int64_t count() const { return count_; }
  at::Tensor mean() const { return mean_; }  // [width]
  at::Tensor covariance() const;             // [width,width], over n - 1
  int64_t HostBytes() const;

 private:
  int64_t count_ = 0;
  at::Tensor mean_, scatter_;
};

class FeatureRows : public Features {
 public:
  FeatureRows(int64_t width, int64_t keep, int64_t threads);

  void Append(Floats rows) override;
  Statistics Compute() override;
  int64_t HostBytes() const override;

  int64_t width() const { return width_; }
  int64_t count() const { return kept_ + beyond_.count(); }  // rows that were appended
  int64_t kept() const { return kept_; }                     // rows that are there
  // float32 [<= kBlockRows,width] of those; all but the last are full. Views: appending later moves none of
  // them.
  std::vector<at::Tensor> Blocks() const;
  const Moments& beyond() const { return beyond_; }  // of rows that are not there

 private:
  Spec spec_;
  int64_t width_, keep_, kept_ = 0;
  std::vector<at::Tensor> blocks_;  // [kBlockRows,width]; the last may be in use in part
  Moments beyond_;
};

// The rows behind a handle.
const FeatureRows& RowsOf(const Features& features);

// Throws SHAPE_INVALID unless both have the same width.
void RequireSameWidth(const FeatureRows& a, const FeatureRows& b);

// Throws DATA_TOO_FEW unless `rows` keeps at least `least` of them.
void RequireRows(const FeatureRows& rows, int64_t least, const char* measure);

}  // namespace shinsaku
