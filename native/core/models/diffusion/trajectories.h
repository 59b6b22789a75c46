// Pictures that a teacher is making while its student learns from each of their steps.
#pragma once

#include "core/nn/parameters.h"

namespace shinsaku {

// Rows of pictures, each at its own step of `steps`: they begin as noise, and anew once they are finished.
class Trajectories {
 public:
  // `width` numbers of labels in a row, 0 for none. The rows begin spread over the steps: the first lap of
  // each ends earlier.
  Trajectories(int64_t steps, const std::vector<int64_t>& shape, int64_t width, at::Device device);

  // The first `rows` of them, as they are.
  struct Rows {
    at::Tensor x;       // [rows,C,H,W]
    at::Tensor k;       // I64 [rows] on the CPU, below `steps`
    at::Tensor labels;  // F32 [rows,width]; undefined for none
  };
  // Those that are finished begin with noise from `random`, which is the CPU's, and with their row of
  // `labels`. Throws CHECKPOINT_INVALID where no row can be at such a step: it came from a file.
  Rows Begin(int64_t rows, at::Generator& random, const at::Tensor& labels);
  // They go on to their next step, where they are `x`.
  void Advance(const at::Tensor& x);

  NamedTensors state() const;  // live

 private:
  int64_t steps_;
  at::Tensor x_, labels_;
  at::Tensor place_;  // I64 [rows,2] on the CPU: each row's step, and how many it makes before it begins anew
};

}  // namespace shinsaku
