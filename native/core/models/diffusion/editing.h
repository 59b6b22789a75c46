// Pictures that a sampler starts from or keeps parts of, and the times that editing steps through.
#pragma once

#include <vector>

#include "core/models/diffusion/schedule.h"
#include "core/models/diffusion/solver.h"
#include "core/nn/unet.h"

namespace shinsaku {

// What a call gives beside its seeds, of `count` pictures, in a batch of `rows`.
struct GivenPictures {
  // Reads "picture", U8 [count,H,W,C], "input", the condition's pixels at its own size, and "keep", U8
  // [count,H,W,1], 1 where a pixel stays as it is and 0 where it is filled. Throws SHAPE_INVALID for others.
  GivenPictures(const std::vector<HostTensor>& inputs, int64_t count, int64_t rows, const UnetPlan& plan,
                at::Device device);

  // What a network with a condition is given. It knows what is kept: nothing is put back before the last
  // step. Throws NATIVE_FAILED where an input of the condition is missing.
  at::Tensor TakeCondition(const UnetPlan& plan);
  // The finished x [rows,C,H,W], which scales down to the input of "lowres"; as it is for others.
  at::Tensor Match(const UnetPlan& plan, const at::Tensor& x) const;
  // Puts the bytes of what is kept into pixels U8 [count,H,W,C] on the CPU.
  void Restore(at::Tensor& pixels) const;

  at::Tensor x0;     // F32 [rows,C,H,W] in [-1,1]; undefined where none is given
  at::Tensor input;  // F32 [rows,C,h,w] in [-1,1], what a condition is read from; undefined where none is
  at::Tensor keep;   // BOOL [rows,1,H,W]; undefined where none is given

 private:
  at::Tensor pixels_, kept_;  // U8 [count,H,W,C] and BOOL [count,H,W,1] on the CPU
};

NoiseLevel LevelOf(double abar);

// Meng 2022 (SDEdit, 2108.01073) starts from a picture with noise. The time at which the angle between the
// picture and the noise in it is nearest to `strength` of a right angle: 0 is the picture, 1 noise alone.
int64_t StartOf(const Schedule& schedule, double strength);

// Lugmayr 2022 (RePaint, 2201.09865), appendix B: from index 0, noise, to `steps`, the picture, and of every
// `length` steps as many up again and down, `resamplings` times in all; counted from the picture's side.
std::vector<size_t> RepaintWay(size_t steps, size_t length, size_t resamplings);

}  // namespace shinsaku
