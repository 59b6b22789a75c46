// Reads pictures that are edited, and plans the steps that editing takes.
#include "core/models/diffusion/editing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/data/pixels.h"
#include "core/models/diffusion/condition.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {

using at::Tensor;

namespace {

Tensor Read(const HostTensor& input, const std::vector<int64_t>& shape) {
  Tensor bytes = FromHost(input);
  if (bytes.scalar_type() != at::kByte || bytes.sizes() != shape)
    throw Failure("SHAPE_INVALID", "the input \"" + input.name + "\" is " + input.dtype + " " +
                                       c10::str(bytes.sizes()) + ", but these seeds need U8 " +
                                       c10::str(at::IntArrayRef(shape)));
  return bytes;
}

// Rows beyond the last picture keep the batch's size.
Tensor Padded(const Tensor& x, int64_t rows) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape[0] = rows - shape[0];
  return shape[0] == 0 ? x : at::cat({x, at::zeros(shape, x.options())});
}

}  // namespace

GivenPictures::GivenPictures(const std::vector<HostTensor>& inputs, int64_t count, int64_t rows,
                             const UnetPlan& plan, at::Device device) {
  for (const HostTensor& input : inputs) {
    if (input.name == "picture") {
      pixels_ = Read(input, {count, plan.size, plan.size, plan.channels});
      const Tensor upright = at::zeros({count}, at::kBool);
      x0 = Padded(ToFloat(pixels_, upright, PixelRange::kDiffusion), rows).to(device);
    } else if (input.name == "input" && !plan.condition.empty()) {
      const int64_t size = plan.condition_size();
      const Tensor bytes = Read(input, {count, size, size, plan.condition_channels()});
      const Tensor upright = at::zeros({count}, at::kBool);
      this->input = Padded(ToFloat(bytes, upright, PixelRange::kDiffusion), rows).to(device);
      if (plan.condition == "mask") pixels_ = bytes;
    } else if (input.name == "keep") {
      kept_ = Read(input, {count, plan.size, plan.size, 1}) != 0;
      keep = Padded(kept_.permute({0, 3, 1, 2}), rows).to(device);
    }
  }
}

Tensor GivenPictures::TakeCondition(const UnetPlan& plan) {
  if (!input.defined() || (plan.condition == "mask" && !keep.defined()))
    throw Failure("NATIVE_FAILED", "a condition needs the input \"input\", and that of a mask \"keep\"");
  return ReadCondition(plan, input, std::exchange(keep, Tensor()));
}

Tensor GivenPictures::Match(const UnetPlan& plan, const Tensor& x) const {
  return plan.condition == "lowres" ? MatchLowres(plan, x.to(at::kFloat), input) : x;
}

void GivenPictures::Restore(Tensor& pixels) const {
  if (kept_.defined()) pixels.copy_(at::where(kept_, pixels_, pixels));
}

NoiseLevel LevelOf(double abar) { return {std::sqrt(abar), std::sqrt(1 - abar)}; }

int64_t StartOf(const Schedule& schedule, double strength) {
  const double wanted = strength * std::numbers::pi / 2;
  const auto distance = [&](double abar) {
    const NoiseLevel level = LevelOf(abar);
    return std::abs(std::atan2(level.sigma, level.alpha) - wanted);
  };
  const auto& signal = schedule.signal;
  return std::min_element(signal.begin(), signal.end(),
                          [&](double a, double b) { return distance(a) < distance(b); }) -
         signal.begin();
}

std::vector<size_t> RepaintWay(size_t steps, size_t length, size_t resamplings) {
  // How often each index is still left for a jump back.
  std::vector<size_t> left(steps + 1, 0);
  for (size_t index = steps - 1; index >= length; index -= length) left[index] = resamplings - 1;
  std::vector<size_t> way{0};
  for (size_t index = 0; index < steps;) {
    way.push_back(++index);
    if (left[index] == 0) continue;
    left[index] -= 1;
    for (size_t i = 0; i < length; ++i) way.push_back(--index);
  }
  return way;
}

}  // namespace shinsaku
