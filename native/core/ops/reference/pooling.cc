// The reference's operations that only feature networks need: windows of any shape, pooling, resizing.
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include "core/ops/ops.h"

namespace shinsaku {

Tensor Ops::Conv2d(const Tensor& x, const ConvWeights& w, const Window& window, int64_t groups) {
  const int64_t dilation[] = {1, 1};
  return Record("conv", at::conv2d(x, w.weight, w.bias, window.stride, window.padding, dilation, groups),
                {w.weight, w.bias}, {x});
}

Tensor Ops::MaxPool(const Tensor& x, const Window& window) {
  return Record(at::max_pool2d(x, window.size, window.stride, window.padding), {x});
}

Tensor Ops::AvgPool(const Tensor& x, const Window& window) {
  constexpr bool kCeil = false, kCountPadding = false;
  return Record(at::avg_pool2d(x, window.size, window.stride, window.padding, kCeil, kCountPadding), {x});
}

Tensor Ops::MeanOfPositions(const Tensor& x) { return at::mean(x, {2, 3}); }

Tensor Ops::Pad(const Tensor& x, std::array<int64_t, 2> rows, std::array<int64_t, 2> columns) {
  return at::constant_pad_nd(x, {columns[0], columns[1], rows[0], rows[1]});
}

Tensor Ops::Resize(const Tensor& x, int64_t height, int64_t width) {
  return at::upsample_bilinear2d(x, {height, width}, false);
}

}  // namespace shinsaku
