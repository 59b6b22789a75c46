// The only conversion between uint8 NHWC pixels outside and float NCHW in [-1,1] inside.
#pragma once

#include <ATen/core/Tensor.h>

namespace shinsaku {

// The arithmetic of each reference; they differ in the last bits.
enum class PixelRange {
  kDiffusion,  // (x/255)*2-1
  kDcgan,      // (x/255-0.5)/0.5
  kChainer,    // (x-128)/128, so [-1,0.992]
};

// [N,H,W,C] uint8 -> [N,C,H,W] float; `mirrored` [N] bool on the same device flips pictures left to right.
at::Tensor ToFloat(const at::Tensor& pixels, const at::Tensor& mirrored, PixelRange range);

// [N,C,H,W] float -> [N,H,W,C] uint8 on the CPU: clamped, rounded as torchvision's save_image does.
at::Tensor ToPixels(const at::Tensor& x, PixelRange range);

}  // namespace shinsaku
