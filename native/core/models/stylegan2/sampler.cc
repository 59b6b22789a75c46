// Draws pictures with StyleGAN2's generator: z, w, truncation, one forward pass.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "core/models/sampler_args.h"
#include "core/models/stylegan2/kind.h"
#include "core/nn/stylegan2.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/numpy_random.h"
#include "core/runtime/random.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

// A generator network that samplers share.
struct FixedGenerator {
  Spec spec;
  Stylegan2Plan plan;
  at::Device device;
  std::unique_ptr<Ops> ops;
  Stylegan2Generator network;
};

class Stylegan2Sampler : public Sampler {
 public:
  Stylegan2Sampler(std::shared_ptr<FixedGenerator> fixed, const Spec& args,
                   const std::vector<HostTensor>& inputs)
      : fixed_(std::move(fixed)),
        truncation_(Number(args, "truncation")),
        mix_from_(Has(args, "mixSeed") ? Integer(args, "mixFrom") : 0),
        mix_seed_(mix_from_ > 0 ? static_cast<uint64_t>(Integer(args, "mixSeed")) : 0),
        noise_(Text(args, "noise")),
        numpy_(Text(args, "latents") == "numpy"),
        args_(args, inputs, {fixed_->plan.latent}, true) {
    const Stylegan2Plan& plan = fixed_->plan;
    pixels_ = at::zeros({args_.count(), plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (x_.defined()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec);
    fixed_->ops->Begin();
    x_ = fixed_->network.Synthesise(*fixed_->ops, Styles(), Noise())
             .to(at::kFloat)
             .narrow(0, 0, args_.count());
    pixels_.copy_(ToPixels(x_, kStylegan2Range));
    return true;
  }

  double Progress() const override { return x_.defined() ? 1 : 0; }

  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

  std::vector<uint8_t> Values() override { return x_.defined() ? BytesOf(x_) : std::vector<uint8_t>(); }

 private:
  // z of a seed, [latent].
  Tensor Latent(uint64_t seed) const {
    const int64_t latent = fixed_->plan.latent;
    if (!numpy_) return at::randn({1, latent}, CpuGenerator(seed), at::kFloat).select(0, 0);
    std::vector<double> normals = NumpyNormals(static_cast<uint32_t>(seed), latent);
    return at::from_blob(normals.data(), {latent}, at::kDouble).to(at::kFloat);
  }

  // w [rows,latent] of the z that `z_of` gives for each picture; of rows beyond them that of zeros.
  template <typename ZOf>
  Tensor MapRows(const ZOf& z_of) const {
    const Tensor z = at::zeros({args_.rows, fixed_->plan.latent}, at::kFloat);
    for (int64_t i = 0; i < args_.count(); ++i) z.select(0, i).copy_(z_of(i));
    return MapTruncated(z);
  }
  Tensor MapSeeds(const std::vector<uint64_t>& seeds) const {
    return MapRows([&](int64_t i) { return Latent(seeds[static_cast<size_t>(i)]); });
  }

  // w of each row of z, towards the mean by truncation (Karras 2019, appendix B).
  Tensor MapTruncated(const Tensor& z) const {
    const Stylegan2Generator& network = fixed_->network;
    const Tensor w = network.Map(*fixed_->ops, z.to(fixed_->device));
    return truncation_ == 1 ? w : at::lerp(network.mean_w().unsqueeze(0), w, truncation_);
  }

  // [rows,styles,latent]
  Tensor Styles() const {
    const Stylegan2Plan& plan = fixed_->plan;
    Tensor w = args_.latents.defined() ? MapRows([&](int64_t i) { return args_.latents.select(0, i); })
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
    const Tensor mixed = MapTruncated(other);
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

  std::shared_ptr<FixedGenerator> fixed_;
  double truncation_;
  int64_t mix_from_;  // side of the first maps whose styles are those of mix_seed_; 0 for none
  uint64_t mix_seed_;
  std::string noise_;
  bool numpy_;
  SamplerArgs args_;
  Tensor x_;       // [count,C,H,W] once it is made
  Tensor pixels_;  // uint8 [count,H,W,C], black before that
};

class Stylegan2InferenceModel : public InferenceModel {
 public:
  explicit Stylegan2InferenceModel(std::shared_ptr<FixedGenerator> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<Stylegan2Sampler>(fixed_, args, inputs);
  }
  int64_t HostBytes() const override { return HostBytesOf(fixed_->network.set(), *fixed_->ops); }

 private:
  std::shared_ptr<FixedGenerator> fixed_;
};

}  // namespace

std::unique_ptr<InferenceModel> MakeStylegan2InferenceModel(const Spec& spec, const NamedTensors& weights,
                                                            at::Device device) {
  const Stylegan2Plan plan(spec);
  auto fixed = std::make_shared<FixedGenerator>(
      FixedGenerator{spec, plan, device, MakeOps(Text(spec, "ops")),
                     Stylegan2Generator(plan, Fill::kEmpty, device, std::nullopt)});
  CopyAll(fixed->network.set().state(), weights);
  fixed->network.Freeze();
  return std::make_unique<Stylegan2InferenceModel>(std::move(fixed));
}

}  // namespace shinsaku
