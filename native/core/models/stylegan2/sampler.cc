// Samples pictures with StyleGAN2's generator: z, w, truncation, one forward pass.
#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/randn.h>

#include "core/models/one_pass.h"
#include "core/models/stylegan2/kind.h"
#include "core/nn/stylegan2.h"
#include "core/runtime/numpy_random.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

using FixedStylegan2 = FixedGenerator<Stylegan2Plan, Stylegan2Generator>;

class Stylegan2Sampler : public OnePassSampler<FixedStylegan2> {
 public:
  Stylegan2Sampler(const std::shared_ptr<FixedStylegan2>& fixed, const Spec& args,
                   const std::vector<HostTensor>& inputs)
      : OnePassSampler(fixed, SamplerArgs(args, inputs, {fixed->plan.latent}, true), kStylegan2Range),
        truncation_(Number(args, "truncation")),
        mix_from_(Has(args, "mixSeed") ? Integer(args, "mixFrom") : 0),
        mix_seed_(mix_from_ > 0 ? static_cast<uint64_t>(Integer(args, "mixSeed")) : 0),
        noise_(Text(args, "noise")),
        numpy_(Text(args, "latents") == "numpy"),
        labels_(fixed->plan.labels.Asked(args, args_.rows, fixed->device)) {}

 private:
  Tensor Generate() override {
    fixed_->ops->Begin();
    return fixed_->network.Synthesise(*fixed_->ops, Styles(), Noise());
  }

  // z of a seed, [latent].
  Tensor Latent(uint64_t seed) const {
    const int64_t latent = fixed_->plan.latent;
    if (!numpy_) return at::randn({1, latent}, CpuGenerator(seed), at::kFloat).select(0, 0);
    std::vector<double> normals = NumpyNormals(static_cast<uint32_t>(seed), latent);
    return at::from_blob(normals.data(), {latent}, at::kDouble).to(at::kFloat);
  }

  // w [rows,latent] of seeds.
  Tensor MapSeeds(const std::vector<uint64_t>& seeds) const {
    return MapTruncated(Rows([&](int64_t i) { return Latent(seeds[static_cast<size_t>(i)]); }));
  }

  // w of each row of z, towards the mean by truncation (Karras 2019, appendix B).
  Tensor MapTruncated(const Tensor& z) const {
    const Stylegan2Generator& network = fixed_->network;
    const Tensor w = network.Map(*fixed_->ops, z, labels_);
    return truncation_ == 1 ? w : at::lerp(network.mean_w().unsqueeze(0), w, truncation_);
  }

  // [rows,styles,latent]
  Tensor Styles() const {
    const Stylegan2Plan& plan = fixed_->plan;
    Tensor w = args_.latents.defined()
                   ? MapTruncated(Rows([&](int64_t i) { return args_.latents.select(0, i); }))
                   : MapSeeds(args_.seeds);
    if (!args_.to_seeds.empty()) {
      // A straight line: w is a space without a hole in the middle, unlike z.
      const Tensor to = MapSeeds(args_.to_seeds);
      for (int64_t i = 0; i < args_.count(); ++i) {
        const double mix = args_.mix[static_cast<size_t>(i)];
        if (mix > 0) w.select(0, i).lerp_(to.select(0, i), mix);
      }
    }
    Tensor ws = w.unsqueeze(1).expand({-1, plan.styles(), -1});
    if (mix_from_ == 0) return ws;
    // Styles of maps from that side on come from the other seed.
    ws = ws.clone();
    const Tensor other = at::zeros({args_.rows, plan.latent}, at::kFloat);
    other.copy_(Latent(mix_seed_).unsqueeze(0));
    const Tensor mixed = MapTruncated(other.to(fixed_->device));
    const std::vector<int64_t> sides = plan.NoiseSides();
    for (int64_t i = 0; i < plan.styles(); ++i) {
      const int64_t side = i < static_cast<int64_t>(sides.size()) ? sides[static_cast<size_t>(i)] : plan.size;
      if (side >= mix_from_) ws.select(1, i).copy_(mixed);
    }
    return ws;
  }

  std::vector<Tensor> Noise() const {
    if (noise_ == "none") return {};
    std::vector<Tensor> maps = fixed_->network.FixedNoise();
    if (noise_ == "const") return maps;
    // Each picture's own, from its seed behind its latent.
    for (size_t k = 0; k < maps.size(); ++k) {
      const int64_t side = maps[k].size(2);
      const Tensor own = at::zeros({args_.rows, 1, side, side}, at::kFloat);
      for (int64_t i = 0; i < args_.count(); ++i) {
        at::Generator stream = PictureGenerator(args_.seeds[static_cast<size_t>(i)], static_cast<int64_t>(k));
        own.select(0, i).copy_(at::randn({1, side, side}, stream, at::kFloat));
      }
      maps[k] = own.to(fixed_->device);
    }
    return maps;
  }

  double truncation_;
  int64_t mix_from_;  // side of the first maps whose styles are those of mix_seed_; 0 for none
  uint64_t mix_seed_;
  std::string noise_;
  bool numpy_;
  Tensor labels_;  // [rows,width]; undefined for a network without labels
};

}  // namespace

std::unique_ptr<InferenceModel> MakeStylegan2InferenceModel(const Spec& spec, const NamedTensors& weights,
                                                            at::Device device) {
  auto fixed = std::make_shared<FixedStylegan2>(
      spec, device, weights, Stylegan2Generator(Stylegan2Plan(spec), Fill::kEmpty, device, std::nullopt));
  fixed->network.Freeze();
  return std::make_unique<OnePassModel<FixedStylegan2, Stylegan2Sampler>>(std::move(fixed));
}

}  // namespace shinsaku
