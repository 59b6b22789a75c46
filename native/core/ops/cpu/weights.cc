// Weights in the forms the kernels read: panels of columns, Winograd's frequencies, padded vectors.
#include "core/ops/cpu/weights.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/ops/cpu/winograd.h"

namespace shinsaku::cpu {
namespace {

constexpr int64_t kNone = -1;  // an element of the padding
constexpr int64_t kAll = -1;   // sources

// From how many pairs of channels on a 3x3 layer keeps its weights untransformed.
constexpr int64_t kManyPairs = 512 * 512;

// G of Lavin 2016 for F(4x4): points 0, 1, -1, 2, -2 and infinity.
constexpr int kWindow = 6;
constexpr double kG[kWindow][3] = {{1. / 4, 0, 0},
                                   {-1. / 6, -1. / 6, -1. / 6},
                                   {-1. / 6, 1. / 6, -1. / 6},
                                   {1. / 24, 1. / 12, 1. / 6},
                                   {1. / 24, -1. / 12, 1. / 6},
                                   {0, 0, 1}};

// u = G w G^T for one pair of channels, in double: its rounding would stay in every result.
void Transform(const float* w, float* u, int64_t step) {
  double half[kWindow][3];
  for (int i = 0; i < kWindow; ++i)
    for (int j = 0; j < 3; ++j) half[i][j] = kG[i][0] * w[j] + kG[i][1] * w[3 + j] + kG[i][2] * w[6 + j];
  for (int i = 0; i < kWindow; ++i)
    for (int j = 0; j < kWindow; ++j)
      u[(i * kWindow + j) * step] =
          static_cast<float>(half[i][0] * kG[j][0] + half[i][1] * kG[j][1] + half[i][2] * kG[j][2]);
}

int64_t Width(const Inputs& inputs) {
  int64_t width = 0;
  for (const Channels& input : inputs) width += input.width;
  return width;
}

// For each float of a pixel: the channel of the weight, or none.
std::vector<int64_t> ChannelOfEach(const Inputs& inputs) {
  std::vector<int64_t> channels;
  int64_t first = 0;
  for (const auto& [count, width] : inputs) {
    for (int64_t i = 0; i < width; ++i) channels.push_back(i < count ? first + i : kNone);
    first += count;
  }
  return channels;
}

bool IsUntransformed(int64_t in, int64_t columns) { return in * columns >= kManyPairs; }

// Floats that the Winograd form has for a pair of channels.
int64_t FloatsOfPair(bool untransformed) { return untransformed ? 9 : kWindow * kWindow; }

}  // namespace

const Packed& Weights::Once(const Key& key, const at::Tensor& source, const std::function<Packed()>& make) {
  const auto found = made_.find(key);
  if (found != made_.end()) return found->second.packed;
  return made_.emplace(key, Entry{source, make()}).first->second.packed;
}

at::Tensor Weights::Pad(const at::Tensor& values, int64_t width) const {
  at::Tensor padded = at::zeros({width}, at::kFloat);
  if (values.defined()) padded.narrow(0, 0, values.numel()).copy_(values.reshape({-1}));
  return padded;
}

at::Tensor Weights::Panels(const at::Tensor& weight, const std::vector<int64_t>& row,
                           const std::vector<int64_t>& column) const {
  const at::Tensor dense = weight.contiguous();
  const float* from = dense.const_data_ptr<float>();
  const auto depth = static_cast<int64_t>(row.size()), columns = static_cast<int64_t>(column.size());
  at::Tensor packed = at::empty({depth * columns}, at::kFloat);
  float* to = packed.data_ptr<float>();
  const int64_t panel = kernels_.panel;
  at::parallel_for(0, (columns + panel - 1) / panel, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin * panel; n < std::min(end * panel, columns); n += panel) {
      const int64_t width = std::min(panel, columns - n);
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t i = 0; i < width; ++i) {
          const bool real = row[k] != kNone && column[n + i] != kNone;
          to[n * depth + k * width + i] = real ? from[row[k] + column[n + i]] : 0.0F;
        }
    }
  });
  return packed;
}

Packed Weights::PackWinograd(const at::Tensor& weight, const at::Tensor& bias, const Inputs& inputs) const {
  const at::Tensor dense = weight.contiguous();
  const float* from = dense.const_data_ptr<float>();
  const int64_t outputs = weight.size(0), all = weight.size(1);
  const int64_t columns = Padded(outputs), in = Width(inputs), panel = kernels_.panel, step = in * columns;
  const bool untransformed = IsUntransformed(in, columns);
  const auto channels = ChannelOfEach(inputs);
  at::Tensor packed = at::empty({FloatsOfPair(untransformed) * step}, at::kFloat);
  float* to = packed.data_ptr<float>();
  const float none[9] = {};
  at::parallel_for(0, in, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = 0; n < columns; ++n) {
      const int64_t start = n / panel * panel, width = std::min(panel, columns - start);
      for (int64_t i = begin; i < end; ++i) {
        const bool real = n < outputs && channels[i] != kNone;
        const float* w = real ? from + (n * all + channels[i]) * 9 : none;
        if (untransformed) {
          float* tap = to + (start * in + i * width) * 9 + n - start;
          for (int k = 0; k < 9; ++k) tap[k * width] = w[k];
        } else {
          Transform(w, to + start * in + i * width + n - start, step);
        }
      }
    }
  });
  return {packed, Pad(bias, columns), columns, untransformed};
}

const Packed& Weights::Winograd(const at::Tensor& weight, const at::Tensor& bias, const Inputs& inputs) {
  return Once({weight.unsafeGetTensorImpl(), Form::kWinograd, Width(inputs), 0}, weight,
              [&] { return PackWinograd(weight, bias, inputs); });
}

const Packed& Weights::Phased(const at::Tensor& weight, const at::Tensor& bias, const Channels& input,
                              const Phases& phases) {
  return Once({weight.unsafeGetTensorImpl(), Form::kPhased, input.width, 0}, weight, [&] {
    // [outputs,inputs,k,k], whichever way the convolution goes.
    const at::Tensor w = phases.output ? weight.transpose(0, 1) : weight;
    const int64_t outputs = w.size(0), inputs = w.size(1), out_step = Padded(outputs);
    const at::Tensor small = at::zeros(
        {phases.output ? kPhases * out_step : outputs, phases.output ? inputs : kPhases * inputs, 3, 3},
        at::kFloat);
    for (int64_t phase = 0; phase < kPhases; ++phase) {
      const at::Tensor part = phases.output ? small.narrow(0, phase * out_step, outputs)
                                            : small.narrow(1, phase * inputs, inputs);
      for (int64_t y = 0; y < 3; ++y)
        for (int64_t x = 0; x < 3; ++x)
          if (phases.Has(phase / 2, y) && phases.Has(phase % 2, x))
            part.select(3, x).select(2, y).copy_(
                w.select(3, phases.Tap(phase % 2, x)).select(2, phases.Tap(phase / 2, y)));
    }
    return PackWinograd(small, bias, Inputs(phases.output ? 1 : kPhases, input));
  });
}

int64_t Weights::BytesFor(const at::Tensor& weight) const {
  const auto floats = static_cast<int64_t>(sizeof(float));
  // Kernels of 4 and 5 have stride 2, and four phases of 3x3 taps.
  const int64_t kernel = weight.dim() == 4 && weight.size(2) == weight.size(3) ? weight.size(2) : 1;
  if (kernel < 3 || kernel > 5) return weight.numel() * floats;
  const int64_t pairs = (kernel == 3 ? 1 : kPhases) * Padded(weight.size(1)) * Padded(weight.size(0));
  return pairs * FloatsOfPair(IsUntransformed(pairs, 1)) * floats;
}

const Packed& Weights::Convolution(const at::Tensor& weight, const at::Tensor& bias, const Inputs& inputs,
                                   int64_t kernel, int64_t source) {
  return Once({weight.unsafeGetTensorImpl(), Form::kConvolution, Width(inputs), source}, weight, [&] {
    const int64_t outputs = weight.size(0), each = weight.numel() / outputs, taps = kernel * kernel;
    const auto channels = ChannelOfEach(inputs);
    std::vector<int64_t> row, column(static_cast<size_t>(Padded(outputs)), kNone);
    size_t first = 0, last = channels.size();
    if (source != kAll) {
      for (int64_t i = 0; i < source; ++i) first += static_cast<size_t>(inputs[i].width);
      last = first + static_cast<size_t>(inputs[source].width);
    }
    for (int64_t tap = 0; tap < taps; ++tap)
      for (size_t i = first; i < last; ++i)
        row.push_back(channels[i] == kNone ? kNone : channels[i] * taps + tap);
    for (int64_t n = 0; n < outputs; ++n) column[n] = n * each;
    return Packed{Panels(weight, row, column), Pad(bias, Padded(outputs)), Padded(outputs)};
  });
}

const Packed& Weights::Transposed(const at::Tensor& weight, const at::Tensor& bias, const Channels& input,
                                  int64_t stride, int64_t phase_y, int64_t phase_x) {
  return Once(
      {weight.unsafeGetTensorImpl(), Form::kTransposed, phase_y * stride + phase_x, stride}, weight, [&] {
        const int64_t outputs = weight.size(1), kernel = weight.size(2);
        std::vector<int64_t> row, column(static_cast<size_t>(Padded(outputs)), kNone);
        // Input pixels in rising order are the kernel's taps in falling order.
        for (int64_t y = phase_y + (kernel - 1 - phase_y) / stride * stride; y >= phase_y; y -= stride)
          for (int64_t x = phase_x + (kernel - 1 - phase_x) / stride * stride; x >= phase_x; x -= stride)
            for (int64_t i = 0; i < input.width; ++i)
              row.push_back(i < input.count ? (i * outputs * kernel + y) * kernel + x : kNone);
        for (int64_t n = 0; n < outputs; ++n) column[n] = n * kernel * kernel;
        return Packed{Panels(weight, row, column), Pad(bias, Padded(outputs)), Padded(outputs)};
      });
}

const Packed& Weights::Spread(const at::Tensor& weight, const at::Tensor& bias) {
  return Once({weight.unsafeGetTensorImpl(), Form::kSpread, 0, 0}, weight, [&] {
    const int64_t inputs = weight.size(0), outputs = weight.size(1), taps = weight.size(2) * weight.size(3);
    const int64_t width = Padded(outputs);
    std::vector<int64_t> row, column(static_cast<size_t>(taps * width), kNone);
    for (int64_t i = 0; i < inputs; ++i) row.push_back(i * outputs * taps);
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t n = 0; n < outputs; ++n) column[tap * width + n] = n * taps + tap;
    const at::Tensor biases = Pad(bias, width).repeat({taps});
    return Packed{Panels(weight, row, column), biases, taps * width};
  });
}

const Packed& Weights::Linear(const at::Tensor& weight, const at::Tensor& bias) {
  return Once({weight.unsafeGetTensorImpl(), Form::kLinear, 0, 0}, weight, [&] {
    const int64_t outputs = weight.size(0), inputs = weight.size(1);
    std::vector<int64_t> row, column(static_cast<size_t>(Padded(outputs)), kNone);
    for (int64_t i = 0; i < inputs; ++i) row.push_back(i);
    for (int64_t n = 0; n < outputs; ++n) column[n] = n * inputs;
    return Packed{Panels(weight, row, column), Pad(bias, Padded(outputs)), Padded(outputs)};
  });
}

const at::Tensor& Weights::Vector(const at::Tensor& values, double times) {
  return Once({values.unsafeGetTensorImpl(), Form::kVector, 0, 0}, values,
              [&] { return Packed{Pad(values, Padded(values.numel())).mul_(times), {}, 0}; })
      .floats;
}

}  // namespace shinsaku::cpu
