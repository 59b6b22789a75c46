// The model that a few-step student learns from, on its way through the times of a distilled walk.
#pragma once

#include <vector>

#include "core/models/diffusion/denoiser.h"

namespace shinsaku {

class Teacher {
 public:
  // Reads "distilSteps" of the student; "teacherSteps", the teacher's own, or those of the finest walk where
  // it has none; "teacherDim", "teacherObjective", and of the student's spec whatever else a denoiser needs.
  // Its weights are to be loaded.
  Teacher(const Spec& spec, at::Device device);

  // What the student is to do from its step k of `steps`, k I64 [N] on the CPU.
  struct Lesson {
    at::Tensor t;       // its time, I64 [N]
    at::Tensor target;  // v with which one step of its own leads where the teacher's steps do, [N,C,H,W]
    at::Tensor next;    // x there, [N,C,H,W]
  };
  // Salimans 2022 (2202.00512), algorithm 2, for any number of the teacher's steps. x [N,C,H,W]; `labels` are
  // rows as the network takes them, or undefined. Without gradients.
  Lesson Teach(const at::Tensor& x, const at::Tensor& k, const at::Tensor& labels) const;

  // Its weights, live.
  NamedTensors state();

 private:
  // alpha and sigma of each time, [N,1,1,1]; of time -1, the picture, 1 and 0.
  struct Levels {
    at::Tensor alpha, sigma;
  };
  Levels LevelsOf(const std::vector<int64_t>& times) const;

  at::Device device_;
  Spec spec_;
  Denoiser denoiser_;
  std::vector<int64_t> times_;  // of its own steps, descending; the last is -1
  int64_t ratio_;               // its steps in one of the student's
};

}  // namespace shinsaku
