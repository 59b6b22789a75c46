// Pictures that a teacher is making.
#include "core/models/diffusion/trajectories.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "core/api.h"
#include "core/runtime/random.h"
#include "core/state_names.h"

namespace shinsaku {

using at::Tensor;

Trajectories::Trajectories(int64_t steps, const std::vector<int64_t>& shape, int64_t width, at::Device device)
    : steps_(steps),
      x_(at::zeros(shape, at::TensorOptions(at::kFloat).device(device))),
      place_(at::zeros({shape[0], 2}, at::kLong)) {
  if (width > 0) labels_ = at::zeros({shape[0], width}, x_.options());
}

Trajectories::Rows Trajectories::Begin(int64_t rows, at::Generator& random, const Tensor& labels) {
  auto* place = place_.mutable_data_ptr<int64_t>();
  for (int64_t row = 0; row < rows; ++row) {
    int64_t &k = place[2 * row], &left = place[2 * row + 1];
    if (k < 0 || k > steps_ || left < 0 || left > steps_ - k)
      throw Failure("CHECKPOINT_INVALID", "a picture of trajectory.place is at step " + std::to_string(k) +
                                              " with " + std::to_string(left) + " to go, of " +
                                              std::to_string(steps_));
    if (left > 0) continue;
    // Of a row that never ran, the first lap.
    left = k == 0 ? 1 + row % steps_ : steps_;
    k = 0;
    x_.select(0, row).copy_(PictureNoise(random, x_.sizes().slice(1), x_.device()));
    if (labels_.defined()) labels_.select(0, row).copy_(labels.select(0, row));
  }
  return {x_.narrow(0, 0, rows).clone(), place_.narrow(0, 0, rows).select(1, 0).clone(),
          labels_.defined() ? labels_.narrow(0, 0, rows).clone() : Tensor()};
}

void Trajectories::Advance(const Tensor& x) {
  const int64_t rows = x.size(0);
  x_.narrow(0, 0, rows).copy_(x);
  place_.narrow(0, 0, rows).select(1, 0).add_(1);
  place_.narrow(0, 0, rows).select(1, 1).sub_(1);
}

NamedTensors Trajectories::state() const {
  NamedTensors all{{std::string(state_names::kTrajectory) + "x", x_},
                   {std::string(state_names::kTrajectory) + "place", place_}};
  if (labels_.defined()) all.push_back({std::string(state_names::kTrajectory) + "labels", labels_});
  return all;
}

}  // namespace shinsaku
