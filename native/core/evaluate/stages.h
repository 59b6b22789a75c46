// A measure as a list of units that run one after the other.
#pragma once

#include <ATen/core/grad_mode.h>

#include <functional>
#include <utility>
#include <vector>

#include "core/api.h"
#include "core/evaluate/measuring.h"
#include "core/runtime/cancel.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {

class Stages : public Measure {
 public:
  bool Step() override {
    ThrowIfCancelled();
    const UnitScope scope(spec_);
    const at::NoGradGuard no_grad;
    if (done_ < units_.size()) units_[done_++]();
    return done_ == units_.size();
  }
  double Progress() const override {
    return units_.empty() ? 1 : static_cast<double>(done_) / static_cast<double>(units_.size());
  }
  Results Result() override {
    if (done_ < units_.size())
      throw Failure("NATIVE_FAILED", "the measure is not finished: call step() until it is");
    const UnitScope scope(spec_);
    return Finish();
  }

 protected:
  explicit Stages(int64_t threads) : spec_(MeasuringSpec(threads)) {}
  // For what a constructor computes.
  const Spec& spec() const { return spec_; }
  void Add(std::function<void()> unit) { units_.push_back(std::move(unit)); }
  virtual Results Finish() = 0;

 private:
  Spec spec_;
  std::vector<std::function<void()>> units_;
  size_t done_ = 0;
};

}  // namespace shinsaku
