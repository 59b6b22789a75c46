// Convolutions as matrix products that read the picture in place: a row of the kernel is one contiguous
// stretch of NHWC memory, so no matrix of windows is ever written.
#include <ATen/Parallel.h>

#include <algorithm>

#include "core/ops/cpu/context.h"

namespace shinsaku::cpu {
namespace {

// Pixels of a 1x1 product at a time: their rows stay in the cache while all panels go by.
constexpr int64_t kBlock = 96;

// A picture set with a border of zeros, its parts side by side in each pixel.
struct Bordered {
  Tensor floats;
  int64_t height, width, step;
  Inputs inputs;
  const float* data;
  const float* at(int64_t n, int64_t y, int64_t x) const {
    return data + ((n * height + y) * width + x) * step;
  }
};

// Parts of this set keep their padding; others come as they are, channel by channel.
Bordered Border(Context& cx, const std::vector<Tensor>& parts, int64_t border) {
  const Tensor& lead = parts.front();
  Bordered b{{}, lead.size(2) + 2 * border, lead.size(3) + 2 * border, 0, {}, nullptr};
  bool own = false;
  for (const Tensor& part : parts) {
    own = cx.IsMap(part);
    b.inputs.push_back({part.size(1), own ? part.stride(3) : part.size(1)});
    b.step += b.inputs.back().width;
  }
  if (own && parts.size() == 1 && border == 0) {
    b.floats = lead;
    b.data = lead.const_data_ptr<float>();
    return b;
  }
  b.floats = cx.arena.Floats(lead.size(0) * b.height * b.width * b.step);
  float* to = b.floats.data_ptr<float>();
  b.data = to;
  at::parallel_for(0, lead.size(0) * b.height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* line = to + row * b.width * b.step;
      std::fill_n(line, b.width * b.step, 0.0F);
      const int64_t n = row / b.height, y = row % b.height - border;
      if (y < 0 || y >= lead.size(2)) continue;
      float* target = line + border * b.step;
      for (size_t i = 0; i < parts.size(); ++i) {
        const Tensor& part = parts[i];
        const auto [channels, width] = b.inputs[i];
        const float* from = part.const_data_ptr<float>() + n * part.stride(0) + y * part.stride(2);
        for (int64_t x = 0; x < part.size(3); ++x, from += part.stride(3))
          for (int64_t c = 0; c < channels; ++c) target[x * b.step + c] = from[c * part.stride(1)];
        target += width;
      }
    }
  });
  return b;
}

}  // namespace

FeatureMap Pointwise(Context& cx, const std::vector<FeatureMap>& sources, const ConvWeights& w,
                     const FeatureMap* onto) {
  Inputs inputs;
  for (const FeatureMap& source : sources) inputs.push_back({source.channels, source.step});
  std::vector<const Packed*> packed;
  for (size_t i = 0; i < sources.size(); ++i)
    packed.push_back(&cx.weights.Convolution(w.weight, w.bias, inputs, 1, static_cast<int64_t>(i)));
  const FeatureMap& lead = sources.front();
  const FeatureMap y = onto ? *onto : cx.NewFeatureMap(lead.count, w.weight.size(0), lead.height, lead.width);
  const int64_t pixels = lead.count * lead.pixels();
  at::parallel_for(0, (pixels + kBlock - 1) / kBlock, 1, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * kBlock; first < std::min(end * kBlock, pixels); first += kBlock)
      for (size_t i = 0; i < sources.size(); ++i) {
        Gemm g;
        g.a = sources[i].data + first * sources[i].step;
        g.a_row = g.depth = sources[i].step;
        g.b = packed[i]->floats.const_data_ptr<float>();
        g.c = y.data + first * y.step;
        g.c_row = g.columns = y.step;
        g.rows = std::min(kBlock, pixels - first);
        g.bias = i == 0 ? packed[i]->bias.const_data_ptr<float>() : nullptr;
        g.accumulate = onto || i > 0;
        cx.kernels.gemm(g);
      }
  });
  return y;
}

FeatureMap ConvDirect(Context& cx, const std::vector<Tensor>& parts, const ConvWeights& w, int64_t kernel,
                      int64_t stride, int64_t padding) {
  const Bordered x = Border(cx, parts, padding);
  const Packed& packed = cx.weights.Convolution(w.weight, w.bias, x.inputs, kernel, -1);
  const FeatureMap y = cx.NewFeatureMap(parts.front().size(0), w.weight.size(0),
                                        (x.height - kernel) / stride + 1, (x.width - kernel) / stride + 1);
  at::parallel_for(0, y.count * y.height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      Gemm g;
      g.a = x.at(row / y.height, row % y.height * stride, 0);
      g.a_row = stride * x.step;
      g.a_segment = x.width * x.step;
      g.segments = kernel;
      g.depth = kernel * x.step;
      g.b = packed.floats.const_data_ptr<float>();
      g.c = y.data + row * y.width * y.step;
      g.c_row = g.columns = y.step;
      g.rows = y.width;
      g.bias = packed.bias.const_data_ptr<float>();
      cx.kernels.gemm(g);
    }
  });
  return y;
}

// A pixel that spreads over the whole result: one product.
static FeatureMap SpreadPixel(Context& cx, const Tensor& x, const ConvWeights& w) {
  const Tensor z = x.reshape({x.size(0), x.size(1)}).contiguous();
  const Packed& packed = cx.weights.Spread(w.weight, w.bias);
  const FeatureMap y = cx.NewFeatureMap(z.size(0), w.weight.size(1), w.weight.size(2), w.weight.size(3));
  const int64_t panel = cx.kernels.panel;
  at::parallel_for(0, (packed.columns + panel - 1) / panel, 1, [&](int64_t begin, int64_t end) {
    Gemm g;
    g.a = z.const_data_ptr<float>();
    g.a_row = g.depth = z.size(1);
    g.b = packed.floats.const_data_ptr<float>() + begin * panel * g.depth;
    g.c = y.data + begin * panel;
    g.c_row = packed.columns;
    g.rows = z.size(0);
    g.columns = std::min(end * panel, packed.columns) - begin * panel;
    g.bias = packed.bias.const_data_ptr<float>() + begin * panel;
    cx.kernels.gemm(g);
  });
  return y;
}

FeatureMap ConvTransposed(Context& cx, const Tensor& input, const ConvWeights& w, int64_t stride,
                          int64_t padding, int64_t output_padding) {
  if (input.size(2) == 1 && input.size(3) == 1 && stride == 1 && padding == 0)
    return SpreadPixel(cx, input, w);
  const int64_t kernel = w.weight.size(2), border = (kernel + stride - 1) / stride;
  const Tensor own = cx.MapOf(input).tensor;
  const Bordered x = Border(cx, {own}, border);
  const auto side = [&](int64_t in) { return (in - 1) * stride - 2 * padding + kernel + output_padding; };
  const FeatureMap y =
      cx.NewFeatureMap(input.size(0), w.weight.size(1), side(input.size(2)), side(input.size(3)));
  // Output pixels with equal (coordinate + padding) % stride use the same taps: an ordinary convolution each.
  std::vector<const Packed*> packed;
  for (int64_t phase = 0; phase < stride * stride; ++phase)
    packed.push_back(
        &cx.weights.Transposed(w.weight, w.bias, x.inputs[0], stride, phase / stride, phase % stride));
  const auto taps = [&](int64_t phase) { return (kernel - phase + stride - 1) / stride; };
  at::parallel_for(0, y.count * y.height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t from_y = row % y.height + padding, phase_y = from_y % stride;
      for (int64_t first = 0; first < std::min(stride, y.width); ++first) {
        const int64_t from_x = first + padding, phase_x = from_x % stride;
        const Packed& matrix = *packed[phase_y * stride + phase_x];
        Gemm g;
        g.a = x.at(row / y.height, from_y / stride - taps(phase_y) + 1 + border,
                   from_x / stride - taps(phase_x) + 1 + border);
        g.a_row = x.step;
        g.a_segment = x.width * x.step;
        g.segments = taps(phase_y);
        g.depth = taps(phase_x) * x.step;
        g.b = matrix.floats.const_data_ptr<float>();
        g.c = y.data + (row * y.width + first) * y.step;
        g.c_row = stride * y.step;
        g.rows = (y.width - first + stride - 1) / stride;
        g.columns = y.step;
        g.bias = matrix.bias.const_data_ptr<float>();
        cx.kernels.gemm(g);
      }
    }
  });
  return y;
}

Tensor Linear(Context& cx, const Tensor& input, const LinearWeights& w) {
  const Tensor x = input.contiguous();
  const Packed& packed = cx.weights.Linear(w.weight, w.bias);
  const Tensor y = cx.arena.Floats(x.size(0) * packed.columns);
  const int64_t panel = cx.kernels.panel;
  at::parallel_for(0, (packed.columns + panel - 1) / panel, 4, [&](int64_t begin, int64_t end) {
    Gemm g;
    g.a = x.const_data_ptr<float>();
    g.a_row = g.depth = x.size(1);
    g.b = packed.floats.const_data_ptr<float>() + begin * panel * g.depth;
    g.c = y.data_ptr<float>() + begin * panel;
    g.c_row = packed.columns;
    g.rows = x.size(0);
    g.columns = std::min(end * panel, packed.columns) - begin * panel;
    g.bias = packed.bias.const_data_ptr<float>() + begin * panel;
    cx.kernels.gemm(g);
  });
  return y.as_strided({x.size(0), w.weight.size(0)}, {packed.columns, 1});
}

}  // namespace shinsaku::cpu
