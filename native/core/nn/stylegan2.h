// The two networks of StyleGAN2 (Karras 2020, arXiv 1912.04958) at powers of two from 8 px: a mapping
// network, a generator with skips, and a residual discriminator.
//
// A map of side r has min(base / r, max) channels. State names are those of the published files, with
// "generator." or "discriminator." in front:
//
//   mapping.fc0 ... mapping.w_avg       synthesis.b4.const, synthesis.b8.conv0.{weight,bias,noise_strength,
//   noise_const,affine.weight,affine.bias}, synthesis.b8.torgb   b8.conv0 b8.conv1 b8.skip  b4.conv b4.fc
//   b4.out
//
// and with labels mapping.label_emb in both, and the discriminator's own mapping.fc0 ... fc7.
//
// Weights are N(0,1) and scaled at run time by 1/sqrt(inputs), so that all of them learn at one speed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/data/pixels.h"
#include "core/nn/label_plan.h"
#include "core/nn/parameters.h"
#include "core/nn/stylegan2_mapping.h"
#include "core/ops/ops.h"

namespace shinsaku {

struct Stylegan2Plan {
  // Reads "size", "channels", "latent", "channelBase", "channelMax", "mappingLayers", "minibatchGroup", and
  // the layout of labels.
  explicit Stylegan2Plan(const Spec& spec);

  int64_t size, channels, latent, base, max, mapping_layers, group;
  LabelPlan labels;

  int64_t Width(int64_t side) const { return std::min(base / side, max); }
  // How many styles a picture takes: one for each convolution, and one for the last way to pixels.
  int64_t styles() const;
  // Sides of the maps that noise is added to, in the order of the convolutions.
  std::vector<int64_t> NoiseSides() const;
};

// A layer whose weights a style scales.
struct StyledLayer {
  std::string name;
  LinearWeights affine;  // from a w to a factor for each input channel
  Tensor weight, bias;
  Tensor noise_const, noise_strength;  // undefined in layers that give pixels
  // Of weights that never change, once Freeze() was called: the weight [I,O,3,3] of a layer that doubles the
  // side, and the sums over its taps of squares [O,I].
  Tensor transposed, energy;
};

class Stylegan2Generator {
 public:
  Stylegan2Generator(const Stylegan2Plan& plan, Fill fill, at::Device device,
                     std::optional<at::Generator> generator);

  // z [N,latent], and rows of labels [N,width] for a network that knows some -> w [N,latent].
  Tensor Map(Ops& ops, const Tensor& z, const Tensor& labels) const {
    return mapping_.Forward(ops, z, labels);
  }
  // ws [N,styles,latent], and a map of noise [N or 1,1,side,side] for each of NoiseSides(), or none at all ->
  // pictures [N,channels,size,size], around [-1,1] but not bounded.
  Tensor Synthesise(Ops& ops, const Tensor& ws, const std::vector<Tensor>& noise) const;

  // The noise that belongs to the network, the same for every picture.
  std::vector<Tensor> FixedNoise() const;
  // Running mean of w [latent]: where truncation goes.
  const Tensor& mean_w() const { return mean_w_; }
  // Weights change no more: what follows from them alone is computed once.
  void Freeze();
  ParameterSet& set() { return set_; }

 private:
  struct Block {
    int64_t side;
    std::vector<StyledLayer> convolutions;  // the first one doubles the side, but at 4 px, where there is one
    StyledLayer to_rgb;
  };
  StyledLayer Layer(const std::string& name, int64_t inputs, int64_t outputs, int64_t kernel,
                    int64_t noise_side);
  Tensor Styled(Ops& ops, const StyledLayer& layer, const Tensor& x, const Tensor& w, const Tensor& noise,
                bool doubled) const;
  Tensor ToRgb(Ops& ops, const StyledLayer& layer, const Tensor& x, const Tensor& w) const;

  Stylegan2Plan plan_;
  ParameterSet set_;
  Tensor filter_;  // [4,4]
  Stylegan2Mapping mapping_;
  Tensor mean_w_, constant_;  // constant_ [C,4,4]
  std::vector<Block> blocks_;
};

class Stylegan2Discriminator {
 public:
  Stylegan2Discriminator(const Stylegan2Plan& plan, Fill fill, at::Device device,
                         std::optional<at::Generator> generator);
  // x [N,channels,size,size], and rows of labels [N,width] for a network that knows some -> logits of "is
  // data" [N], or of "is data of these labels" (projection: Miyato 2018, 1802.05637). Each is told how a
  // group of pictures differs: of at most so many, whose number divides N. A group of one makes it
  // independent of its neighbours.
  Tensor Forward(Ops& ops, const Tensor& x, const Tensor& labels, int64_t group) const;
  ParameterSet& set() { return set_; }

 private:
  struct Layer {
    std::string name;
    ConvWeights weights;
  };
  struct Block {
    int64_t side;
    Layer first, second, skip;
  };
  Layer Convolution(const std::string& name, int64_t inputs, int64_t outputs, int64_t kernel, bool bias);
  Layer Dense(const std::string& name, int64_t inputs, int64_t outputs);
  // A layer, a leaky ReLU, and times `gain`.
  Tensor Convolved(Ops& ops, const Layer& layer, const Tensor& x, double gain) const;
  Tensor Halved(Ops& ops, const Layer& layer, const Tensor& x, double gain) const;

  Stylegan2Plan plan_;
  ParameterSet set_;
  Tensor filter_;
  Layer from_rgb_;
  std::vector<Block> blocks_;
  Layer last_, fc_, out_;
  std::optional<Stylegan2Mapping> mapping_;  // of labels, where it knows some
};

// How pixels become numbers: x / 127.5 - 1, up to rounding.
inline constexpr PixelRange kStylegan2Range = PixelRange::kDcgan;

}  // namespace shinsaku
