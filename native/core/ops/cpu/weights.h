// Weights in the forms the kernels read: panels of columns, Winograd's frequencies, padded vectors. Made at
// first use and kept; the weights of a generator never change.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "core/ops/cpu/kernels.h"

namespace shinsaku::cpu {

struct Phases;

// Channels of one source of a layer, and the floats that a pixel of it takes.
struct Channels {
  int64_t count, width;
};
using Inputs = std::vector<Channels>;

struct Packed {
  at::Tensor floats;  // panels, or frequencies of panels
  at::Tensor bias;    // [columns], zeros where the layer has none
  int64_t columns = 0;
  bool untransformed =
      false;  // a Winograd form that is not transformed yet: [panel][in][9][columns of the panel]
};

class Weights {
 public:
  explicit Weights(const Kernels& kernels) : kernels_(kernels) {}

  // [O,I,3,3] transformed for F(4x4, 3x3): [frequency][panel][in][columns of the panel]. Layers with many
  // weights keep them as they are, for the product to transform as it goes: a quarter of the memory to hold
  // and to read.
  const Packed& Winograd(const at::Tensor& weight, const at::Tensor& bias, const Inputs& inputs);
  // The same for a convolution with stride 2 [O,I,k,k], whose input is four phases of `input`, or a
  // transposed one [I,O,k,k], whose result is.
  const Packed& Phased(const at::Tensor& weight, const at::Tensor& bias, const Channels& input,
                       const Phases& phases);
  // [O][I][k][k] as a matrix with a row for each (y, x, channel) of one of the sources, or of all where
  // `source` is -1.
  const Packed& Convolution(const at::Tensor& weight, const at::Tensor& bias, const Inputs& inputs,
                            int64_t kernel, int64_t source);
  // [I,O,k,k], stride s: the taps that reach output pixels with (y + padding) % s == phase_y, likewise x.
  const Packed& Transposed(const at::Tensor& weight, const at::Tensor& bias, const Channels& input,
                           int64_t stride, int64_t phase_y, int64_t phase_x);
  // [I,O,k,k] over a single pixel: columns (y, x, channel padded to vectors).
  const Packed& Spread(const at::Tensor& weight, const at::Tensor& bias);
  // [O,I].
  const Packed& Linear(const at::Tensor& weight, const at::Tensor& bias);
  // A vector with zeros up to whole vectors, times `times`.
  const at::Tensor& Vector(const at::Tensor& values, double times);

  // What the packed form of a parameter takes, as far as its shape tells: a kernel of 4 or 5 is taken to have
  // stride 2.
  int64_t BytesFor(const at::Tensor& weight) const;

  int64_t Padded(int64_t channels) const {
    return (channels + kernels_.vector_width - 1) / kernels_.vector_width * kernels_.vector_width;
  }

 private:
  enum class Form { kWinograd, kPhased, kConvolution, kTransposed, kSpread, kLinear, kVector };
  using Key = std::tuple<const void*, Form, int64_t, int64_t>;
  struct Entry {
    at::Tensor source;  // kept, so that its address stays its own
    Packed packed;
  };
  const Packed& Once(const Key& key, const at::Tensor& source, const std::function<Packed()>& make);
  Packed PackWinograd(const at::Tensor& weight, const at::Tensor& bias, const Inputs& inputs) const;
  at::Tensor Panels(const at::Tensor& weight, const std::vector<int64_t>& row,
                    const std::vector<int64_t>& column) const;
  at::Tensor Pad(const at::Tensor& values, int64_t width) const;

  const Kernels& kernels_;
  std::map<Key, Entry> made_;
};

}  // namespace shinsaku::cpu
