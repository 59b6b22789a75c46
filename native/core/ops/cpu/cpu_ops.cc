// The cpu ops set: which kernel runs which operation.
#include "core/ops/cpu/cpu_ops.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include "core/ops/cpu/style.h"
#include "core/ops/cpu/winograd.h"

namespace shinsaku {

using cpu::FeatureMap;
using cpu::NormEpilogue;

namespace {

// `operation` of each row of x, joined again.
template <typename Operation>
Tensor ByRows(const Tensor& x, const Operation& operation) {
  std::vector<Tensor> rows;
  for (const Tensor& row : x.split(1)) rows.push_back(operation(row));
  return rows.size() == 1 ? rows.front() : at::cat(rows);
}

cpu::Pixels<float> PixelsOf(const FeatureMap& map) {
  return {map.data, map.count, map.height, map.width, map.channels, map.step};
}
cpu::Pixels<const float> Read(const FeatureMap& map) {
  return {map.data, map.count, map.height, map.width, map.channels, map.step};
}

}  // namespace

Tensor CpuOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  const int64_t kernel = w.weight.size(2);
  if (kernel == 3 && stride == 1 && padding == 1) return cpu::Conv3x3(cx_, cx_.MapsOf(x), w, false).tensor;
  if (kernel == 1 && stride == 1 && padding == 0) return cpu::Pointwise(cx_, cx_.MapsOf(x), w).tensor;
  if (const auto phases = cpu::PhasesOfConv(kernel, stride, padding, x.size(2), x.size(3)))
    return cpu::ConvPhased(cx_, cx_.MapOf(x), w, *phases).tensor;
  return cpu::ConvDirect(cx_, cx_.Parts(x), w, kernel, stride, padding).tensor;
}

Tensor CpuOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                             int64_t output_padding) {
  const int64_t kernel = w.weight.size(2);
  if (const auto phases =
          cpu::PhasesOfTransposed(kernel, stride, padding, output_padding, x.size(2), x.size(3)))
    return cpu::ConvPhased(cx_, cx_.MapOf(x), w, *phases).tensor;
  return cpu::ConvTransposed(cx_, x, w, stride, padding, output_padding).tensor;
}

Tensor CpuOps::Linear(const Tensor& x, const LinearWeights& w) { return cpu::Linear(cx_, x, w); }

// Small or last: ATen's functions do. They take the last numbers of a tensor by other instructions than the
// rest, so a row of a few numbers would depend on how many rows there are.
Tensor CpuOps::Activate(const Tensor& x, Activation activation) {
  if (x.dim() != 2) return Ops::Activate(x, activation);
  return ByRows(x, [&](const Tensor& row) { return Ops::Activate(row, activation); });
}

Tensor CpuOps::Sinusoids(const Tensor& t, const Tensor& frequencies) {
  return ByRows(t, [&](const Tensor& one) { return Ops::Sinusoids(one, frequencies); });
}

Tensor CpuOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale, const Tensor& shift) {
  const FeatureMap from = cx_.MapOf(x),
                   to = cx_.NewFeatureMap(from.count, from.channels, from.height, from.width);
  cpu::Normalise(cx_, from, w, {scale, shift, true, nullptr}, to);
  return to.tensor;
}

Tensor CpuOps::Norm(const Tensor& x, const NormWeights& w) {
  const FeatureMap from = cx_.MapOf(x),
                   to = cx_.NewFeatureMap(from.count, from.channels, from.height, from.width);
  cpu::Normalise(cx_, from, w, {}, to);
  return to.tensor;
}

Tensor CpuOps::Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                        std::array<int64_t, 2> padding) {
  const auto how = cpu::ResamplingOf(filter, up, down, padding[0]);
  if (!how) return Ops::Resample(x, filter, up, down, padding);
  const FeatureMap from = cx_.MapOf(x);
  const FeatureMap to = cx_.NewFeatureMap(from.count, from.channels, how->Side(from.height, padding[1]),
                                          how->Side(from.width, padding[1]));
  cpu::Resample(Read(from), *how, PixelsOf(to));
  return to.tensor;
}

Tensor CpuOps::StyledActivation(const Tensor& x, const StyledEnd& end) {
  const FeatureMap from = cx_.MapOf(x),
                   to = cx_.NewFeatureMap(from.count, from.channels, from.height, from.width);
  const Tensor scale = end.scale.defined() ? end.scale.contiguous() : Tensor(), bias = end.bias.contiguous();
  const Tensor noise = end.noise.defined() ? (end.noise * end.strength).contiguous() : Tensor();
  const auto floats = [](const Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; };
  const bool each = noise.defined() && noise.size(0) > 1;
  cpu::StyledActivation(
      Read(from),
      {floats(scale), floats(noise), each ? from.pixels() : 0, floats(bias), static_cast<float>(end.gain)},
      PixelsOf(to));
  return to.tensor;
}

Tensor CpuOps::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  return cpu::LinearAttention(cx_, cx_.MapOf(x), w).tensor;
}

Tensor CpuOps::FullAttention(const Tensor& x, const AttentionWeights& w) {
  return cpu::FullAttention(cx_, cx_.MapOf(x), w).tensor;
}

Tensor CpuOps::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  if (kind == DownKind::kConv4) return Conv(x, w, 2, 1);
  // Channels of the unshuffled map run (channel, y, x): the weight is that of a 2x2 kernel as it stands.
  return cpu::ConvDirect(cx_, {cx_.MapOf(x).tensor}, w, 2, 2, 0).tensor;
}

Tensor CpuOps::Up(const Tensor& x, const ConvWeights& w) {
  return cpu::Conv3x3(cx_, cx_.MapsOf(x), w, true).tensor;
}

Tensor CpuOps::Concat(const Tensor& a, const Tensor& b) {
  return a.dim() == 4 ? cx_.Join(a, b) : Ops::Concat(a, b);
}

Tensor CpuOps::ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                const Tensor& scale, const Tensor& shift) {
  return cpu::ConvNorm(cx_, cx_.MapsOf(x), conv, norm, {scale, shift, true, nullptr}).tensor;
}

Tensor CpuOps::ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                               const Residual& residual) {
  const auto skip = cx_.MapsOf(residual.x);
  const bool shortcut = residual.shortcut.weight.defined();
  const NormEpilogue end{{}, {}, true, shortcut ? nullptr : &skip.front()};
  const FeatureMap h = cpu::ConvNorm(cx_, cx_.MapsOf(x), conv, norm, end);
  if (shortcut) cpu::Pointwise(cx_, skip, residual.shortcut, &h);
  return h.tensor;
}

Tensor CpuOps::BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                         Activation activation) {
  TORCH_CHECK(statistics != BatchStatistics::kTrain, "the cpu ops set does not train");
  if (statistics == BatchStatistics::kBatch) RequireSeveralValues(x);
  const bool units = x.dim() == 2;
  const FeatureMap from = cx_.MapOf(units ? x.unsqueeze(2).unsqueeze(3) : x);
  const FeatureMap to = cx_.NewFeatureMap(from.count, from.channels, from.height, from.width);
  const bool relu = activation == Activation::kRelu;
  cpu::NormaliseBatch(cx_, from, w, statistics, relu, to);
  const Tensor y = units ? to.tensor.select(3, 0).select(2, 0) : to.tensor;
  return relu ? y : Activate(y, activation);
}

}  // namespace shinsaku
