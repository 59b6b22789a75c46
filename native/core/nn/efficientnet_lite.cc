// EfficientNet-Lite0: features of pictures. Names of tensors and padding are those of
// efficientnet_lite_pytorch.
#include "core/nn/efficientnet_lite.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

constexpr double kEps = 0.001;

// Blocks of one width: how much wider they are inside, their outputs, how many, the first one's stride, the
// window.
struct Group {
  int64_t expand, out, count, stride, window;
};
constexpr Group kGroups[] = {{1, 16, 1, 1, 3},  {6, 24, 2, 2, 3},  {6, 40, 2, 2, 5}, {6, 80, 3, 2, 3},
                             {6, 112, 3, 1, 5}, {6, 192, 4, 2, 5}, {6, 320, 1, 1, 3}};

}  // namespace

EfficientNetLite0::EfficientNetLite0(const FeatureWeights& weights) {
  const auto folded = [&](const std::string& prefix, const char* conv, const char* norm,
                          at::IntArrayRef shape) {
    return weights.Folded(prefix + conv, prefix + norm, shape, kEps);
  };
  int64_t in = 32;
  stem_ = {folded("", "_conv_stem", "_bn0", {in, 3, 3, 3}), 2, 1};
  for (const Group& group : kGroups)
    for (int64_t i = 0; i < group.count; ++i) {
      const std::string prefix = "_blocks." + std::to_string(blocks_.size()) + ".";
      const int64_t wide = in * group.expand, stride = i == 0 ? group.stride : 1;
      Block block;
      if (group.expand > 1)
        block.expand = Conv{folded(prefix, "_expand_conv", "_bn0", {wide, in, 1, 1}), 1, 1};
      block.depthwise = {folded(prefix, "_depthwise_conv", "_bn1", {wide, 1, group.window, group.window}),
                         stride, wide};
      block.project = {folded(prefix, "_project_conv", "_bn2", {group.out, wide, 1, 1}), 1, 1};
      block.residual = stride == 1 && in == group.out;
      blocks_.push_back(std::move(block));
      in = group.out;
    }
  head_ = {folded("", "_conv_head", "_bn1", {kWidth, in, 1, 1}), 1, 1};
}

// TensorFlow's "same": as many results as strides, and where the zeros around are odd in number, one more at
// the end.
Tensor EfficientNetLite0::Run(Ops& ops, const Conv& conv, const Tensor& x) {
  std::array<int64_t, 2> before{}, after{};
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t size = x.size(static_cast<int64_t>(axis) + 2), window = conv.weights.weight.size(2);
    const int64_t results = (size + conv.stride - 1) / conv.stride;
    const int64_t zeros = std::max<int64_t>((results - 1) * conv.stride + window - size, 0);
    before[axis] = zeros / 2;
    after[axis] = zeros - before[axis];
  }
  Window window{{}, {conv.stride, conv.stride}, before};
  if (before == after) return ops.Conv2d(x, conv.weights, window, conv.groups);
  window.padding = {0, 0};
  return ops.Conv2d(ops.Pad(x, {before[0], after[0]}, {before[1], after[1]}), conv.weights, window,
                    conv.groups);
}

Tensor EfficientNetLite0::Forward(Ops& ops, Tensor x) const {
  const auto active = [&](const Conv& conv, const Tensor& y) {
    return ops.Activate(Run(ops, conv, y), Activation::kRelu6);
  };
  x = active(stem_, x);
  for (const Block& block : blocks_) {
    CheckCancelled(x);
    Tensor y = block.expand ? active(*block.expand, x) : x;
    y = Run(ops, block.project, active(block.depthwise, y));
    x = block.residual ? x + y : y;
  }
  return ops.MeanOfPositions(active(head_, x));
}

}  // namespace shinsaku
