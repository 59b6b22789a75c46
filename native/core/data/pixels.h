// The only conversions between uint8 NHWC pixels outside and floats NCHW inside.
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

// Bytes [N,H,W,C] to floats of the same values, 0 to 255, [N,C,H,W] with channels last in memory: for what
// judges pictures, and has a scale of its own.
at::Tensor ToByteValues(const at::Tensor& pixels);

}  // namespace shinsaku
