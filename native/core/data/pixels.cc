// The only conversions between uint8 NHWC pixels outside and floats NCHW inside.
#include "core/data/pixels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

namespace shinsaku {

at::Tensor ToFloat(const at::Tensor& pixels, const at::Tensor& mirrored, PixelRange range) {
  at::Tensor x = pixels.permute({0, 3, 1, 2});  // [N,C,H,W]
  x = at::where(mirrored.view({-1, 1, 1, 1}), x.flip({3}), x).contiguous();
  // Of one channel contiguous() keeps the strides of channels last, whose kernels have other bits than
  // PyTorch's.
  x = x.flatten(1).view(x.sizes()).to(at::kFloat);
  switch (range) {
    case PixelRange::kDiffusion:
      return x.div_(255).mul_(2).sub_(1);
    case PixelRange::kDcgan:
      return x.div_(255).sub_(0.5).div_(0.5);
    case PixelRange::kChainer:
      return x.sub_(128).div_(128);
  }
  return x;
}

at::Tensor ToPixels(const at::Tensor& x, PixelRange range) {
  at::Tensor y = range == PixelRange::kChainer ? x * 128 + 128 : ((x + 1) * 0.5).mul_(255);
  return y.add_(0.5).clamp_(0, 255).to(at::kByte).permute({0, 2, 3, 1}).contiguous().to(at::kCPU);
}

at::Tensor ToByteValues(const at::Tensor& pixels) { return pixels.permute({0, 3, 1, 2}).to(at::kFloat); }

}  // namespace shinsaku
