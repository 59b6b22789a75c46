// Kernels of style networks for maps whose channels lie side by side: resampling by a filter, and what
// follows a convolution.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>

namespace shinsaku::cpu {

// Floats of a map [count][height][width][step], of which the first `channels` of each pixel are meant.
template <typename Float>
struct Pixels {
  Float* data;
  int64_t count, height, width, channels, step;
  Float* row(int64_t n, int64_t y) const { return data + (n * height + y) * width * step; }
};

// A filter of four taps on each axis. y[o] = sum over k of taps[k] x[(o * down + k - before) / up], of those
// k where that is whole and within x.
struct Resampling {
  std::array<float, 4> rows, columns;
  int64_t up, down, before;

  // The linear map in the other direction: the gradient of this one.
  Resampling Transposed() const;
  int64_t Side(int64_t side, int64_t behind) const { return (side * up + before + behind - 4) / down + 1; }
};

// The taps of `filter` [4,4], where it is a product of two; nothing otherwise.
std::optional<Resampling> ResamplingOf(const at::Tensor& filter, int64_t up, int64_t down, int64_t before);

void Resample(const Pixels<const float>& x, const Resampling& how, const Pixels<float>& y);

// What StyledEnd says, as rows of floats; null where there is none.
struct StyledRows {
  const float* scale;  // [count][channels]
  const float* noise;  // [count or 1][pixels], times its strength already
  int64_t noise_step;  // floats from one picture's to the next's; 0 for one that all share
  const float* bias;   // [channels]
  float gain;
};
void StyledActivation(const Pixels<const float>& x, const StyledRows& end, const Pixels<float>& y);

// Its gradients from that of y. `x` is read where there is a scale only. Of scale and bias one row a picture
// [count][channels]; of noise [count][pixels]. Null where nobody asks.
struct StyledGradients {
  float *scale, *noise, *bias;
};
void StyledBackward(const Pixels<const float>& x, const Pixels<const float>& y, const Pixels<const float>& dy,
                    const StyledRows& end, const Pixels<float>& dx, const StyledGradients& gradients);

}  // namespace shinsaku::cpu
