// The two networks of a progressively grown GAN (Karras 2018) as pytorch_GAN_zoo has them, at 4 to 512 px.
//
// State names are the zoo's with "generator." or "discriminator." in front: scaleLayers.<i>.<j>.module.weight
// and so on, in the order of its state dicts. `widths` are channels at 4 px, 8 px, 16 px, ...
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

struct PganPlan {
  explicit PganPlan(const Spec& spec);  // reads "size", "channels", "latent", "widths", "minibatchStd"

  int64_t size, channels, latent;
  std::vector<int64_t> widths;  // one for each scale up to `size`
  bool minibatch_std;           // whether the discriminator sees how much pictures of a group differ

  int64_t last_scale() const { return static_cast<int64_t>(widths.size()) - 1; }
};

// How far the networks have grown.
struct PganStage {
  int64_t scale;  // of the pictures: 4 << scale pixels
  double alpha;   // share of the scale before while this one is faded in; 1 at its start, 0 after
};

// A layer whose output, bias included, is multiplied by sqrt(2 / fan in), so that all learn at one rate.
struct PganLayer {
  std::string name;
  Tensor weight, bias;
  double gain;
};

class PganGenerator {
 public:
  PganGenerator(const PganPlan& plan, Fill fill, at::Device device, std::optional<at::Generator> generator);
  // Adds the next scale, and draws its first values.
  void Grow();
  // Puts the parameters into the order of the zoo's state dict, once all scales are there.
  void Finish();
  // z [N,latent] -> [N,channels,s,s] with s = 4 << scale; unbounded.
  Tensor Forward(Ops& ops, const Tensor& z, const PganStage& stage) const;
  ParameterSet& set() { return set_; }
  // F32 [2], saved with the weights: the stage that they are at.
  Tensor stage() const { return stage_; }

 private:
  Tensor ToRgb(Ops& ops, const Tensor& x, int64_t scale) const;

  PganPlan plan_;
  ParameterSet set_;
  PganLayer format_, first_;
  std::vector<std::array<PganLayer, 2>> scales_;  // of 8 px and up
  std::vector<PganLayer> to_rgb_;
  Tensor stage_;
};

class PganDiscriminator {
 public:
  PganDiscriminator(const PganPlan& plan, Fill fill, at::Device device,
                    std::optional<at::Generator> generator);
  void Grow();
  void Finish();
  // x [N,channels,s,s] -> [N], higher for data. The spread of pictures is that of `group` neighbours, or of
  // all where their number is not a multiple of it; with 1, of none.
  Tensor Forward(Ops& ops, const Tensor& x, const PganStage& stage, int64_t group = 4) const;
  ParameterSet& set() { return set_; }

 private:
  PganPlan plan_;
  ParameterSet set_;
  PganLayer decision_, first_, dense_;
  std::vector<std::array<PganLayer, 2>> scales_;
  std::vector<PganLayer> from_rgb_;
};

// Both networks with all scales. First values are drawn in the zoo's order: the discriminator at 4 px, then
// the generator, then each scale of the generator and of the discriminator.
struct PganNetworks {
  PganNetworks(const PganPlan& plan, Fill fill, at::Device device, std::optional<at::Generator> generator);
  PganDiscriminator discriminator;
  PganGenerator generator;
};

}  // namespace shinsaku
