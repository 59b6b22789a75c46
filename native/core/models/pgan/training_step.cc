// Progressive training of a PGAN as pytorch_GAN_zoo does it: WGAN-GP, scale by scale, each faded in.
//
// Losses are sums over the batch. One update moves the discriminator, then the generator with latents of its
// own. Pictures are those of the data, averaged down to the scale in training. At every growth the optimizers
// begin anew and the averaged generator is a copy of the generator.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "core/models/pgan/kind.h"
#include "core/nn/pgan.h"
#include "core/optim/adam.h"
#include "core/runtime/host_tensor.h"
#include "core/state_names.h"

namespace shinsaku {
namespace {

NamedTensors Bare(const ParameterSet& set, const std::string& prefix) {
  NamedTensors bare = set.parameters();
  for (auto& entry : bare) entry.name.erase(0, prefix.size());
  return bare;
}

class PganTrainingStep : public TrainingStep {
 public:
  PganTrainingStep(const Spec& spec, const RandomState& random, at::Device device)
      : spec_(spec),
        random_(random),
        device_(device),
        plan_(spec),
        decay_(Has(spec, "emaDecay") ? Number(spec, "emaDecay") : 0),
        ops_(MakeTrainingOps(Text(spec, "ops"))),
        networks_(plan_, Fill::kDraw, device, random.cpu) {
    for (ParameterSet* set : {&networks_.generator.set(), &networks_.discriminator.set()}) {
      set->SetMemoryFormat([&](const Tensor& weight) { return ops_->WeightFormat(weight); });
      set->RequireGrad(true);
    }
    const auto& betas = Numbers(spec, "betas");
    const AdamOptions adam{betas.at(0), betas.at(1), 1e-8, 0, AdamOptions::Form::kTorch};
    adam_g_ = MakeAdam(spec, Bare(networks_.generator.set(), "generator."), "generator.", adam);
    adam_d_ = MakeAdam(spec, Bare(networks_.discriminator.set(), "discriminator."), "discriminator.", adam);
    if (Has(spec, "emaDecay")) {
      for (const auto& [name, tensor] : networks_.generator.set().parameters())
        average_.push_back({name, tensor.detach().clone()});
    }
  }

  DataOrder order() const override { return DataOrder::kEpochs; }
  int64_t batches() const override { return 1; }

  void Update(DataLoader& loader, Meter& meter) override {
    const int64_t seen = loader.sampler().images_seen();
    const PganStage stage = StageAt(seen);
    const auto before = static_cast<int64_t>(networks_.generator.stage()[0].item<double>());
    Enter(stage, before);
    const double lr = LearningRate(spec_, seen);
    const Tensor real = RealsAt(stage, loader.Next(PixelRange::kDcgan).x);
    DiscriminatorStep(real, stage, lr, meter);
    GeneratorStep(real.size(0), stage, lr, meter);
    UpdateAverage();
    meter.Add("scale", static_cast<double>(int64_t{4} << stage.scale));
    meter.Add("alpha", stage.alpha);
    meter.Add("learningRate", lr);
  }

  std::vector<Tensor> Rehearse(BatchSampler& sampler, const RandomState& random) const override {
    const Tensor indices = sampler.Next().indices;
    const int64_t count = indices.numel();
    if (random.shared()) Latents(count, random.device);
    if (HasPenalty()) at::rand({count, 1}, random.cpu, at::kFloat);
    if (random.shared()) Latents(count, random.device);
    return {indices};
  }

  void EndAt(int64_t images) override { spec_["maxImages"] = static_cast<double>(images); }

  // One row: by how much the discriminator takes each picture for generated. Pictures do not see each other.
  Tensor Loss(const Tensor& pixels, const Spec&) override {
    const Tensor saved = networks_.generator.stage().to(at::kCPU);
    const PganStage stage{static_cast<int64_t>(saved[0].item<double>()), saved[1].item<double>()};
    const Tensor unmirrored = at::zeros({pixels.size(0)}, pixels.options().dtype(at::kBool));
    const Tensor x = RealsAt(stage, ToFloat(pixels, unmirrored, PixelRange::kDcgan));
    return networks_.discriminator.Forward(*ops_, x, stage, 1).neg().view({1, -1});
  }

  const Graphs* graphs() const override { return nullptr; }

  NamedTensors state() override {
    NamedTensors all = networks_.generator.set().state();
    const auto append = [&](const NamedTensors& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(networks_.discriminator.set().state());
    if (!average_.empty()) {
      for (const auto& [name, tensor] : weights("ema")) all.push_back({state_names::Averaged(name), tensor});
    }
    append(adam_g_->state());
    append(adam_d_->state());
    return all;
  }

  NamedTensors weights(const std::string& which) override {
    if (which == "raw") return networks_.generator.set().state();
    if (average_.empty())
      throw Failure("CHECKPOINT_MISMATCH",
                    "this run keeps no averaged weights (emaDecay is null); ask for weights \"raw\"");
    NamedTensors all = networks_.generator.set().buffers();
    all.insert(all.end(), average_.begin(), average_.end());
    return all;
  }

 private:
  // The first scale takes half as many images as the others and is not faded in. Alpha falls from 1 to 0 in
  // "fadeSteps" equal steps over "fadeImages".
  PganStage StageAt(int64_t images) const {
    const double each = Number(spec_, "scaleImages"), first = each / 2;
    const auto seen = static_cast<double>(images);
    if (seen < first || plan_.last_scale() == 0) return {0, 0};
    const double grown = std::floor((seen - first) / each);
    const int64_t scale = 1 + std::min(static_cast<int64_t>(grown), plan_.last_scale() - 1);
    const double since = seen - first - static_cast<double>(scale - 1) * each;
    const double steps = Number(spec_, "fadeSteps"), fade = Number(spec_, "fadeImages");
    const double done = fade > 0 ? std::floor(since * steps / fade) : steps;
    return {scale, std::max(0.0, 1 - done / steps)};
  }

  void Enter(const PganStage& stage, int64_t before) {
    const at::NoGradGuard no_grad;
    if (stage.scale != before) {
      for (Adam* adam : {adam_g_.get(), adam_d_.get()}) {
        for (const auto& entry : adam->state()) entry.tensor.zero_();
      }
      const NamedTensors& online = networks_.generator.set().parameters();
      for (size_t i = 0; i < average_.size(); ++i) average_[i].tensor.copy_(online[i].tensor);
    }
    const Tensor saved = networks_.generator.stage();
    saved[0].fill_(static_cast<double>(stage.scale));
    saved[1].fill_(stage.alpha);
  }

  // What the discriminator is shown for data: while a scale is faded in, so are its details.
  Tensor RealsAt(const PganStage& stage, const Tensor& data) const {
    const int64_t factor = int64_t{1} << (plan_.last_scale() - stage.scale);
    const Tensor real = factor == 1 ? data : at::avg_pool2d(data, {factor, factor});
    if (stage.alpha == 0) return real;
    const double twice[] = {2.0, 2.0};
    const Tensor coarse = at::upsample_nearest2d(at::avg_pool2d(real, {2, 2}), std::nullopt, twice);
    return stage.alpha * coarse + (1 - stage.alpha) * real;
  }

  bool HasPenalty() const { return Number(spec_, "gradientPenalty") > 0; }

  Tensor Latents(int64_t count, at::Generator generator) const {
    return at::randn({count, plan_.latent}, generator,
                     at::TensorOptions(at::kFloat).device(generator.device()));
  }

  Tensor Generate(int64_t count, const PganStage& stage) {
    return networks_.generator.Forward(*ops_, Latents(count, random_.device), stage);
  }

  // Gulrajani 2017, equation 3, as a sum: slopes of the discriminator between data and generated pictures
  // should be 1. Differentiated twice, so by the reference.
  Tensor GradientPenalty(const Tensor& real, const Tensor& fake, const PganStage& stage) {
    const int64_t count = real.size(0);
    const Tensor share = at::rand({count, 1}, random_.cpu, at::kFloat).to(device_).view({count, 1, 1, 1});
    Tensor between = (share * real + (1 - share) * fake).detach();
    between.requires_grad_(true);
    const Tensor sum = networks_.discriminator.Forward(reference_, between, stage).sum();
    const Tensor slopes = torch::autograd::grad({sum}, {between}, {}, true, true)[0].reshape({count, -1});
    const Tensor norm = (slopes * slopes).sum({1}).sqrt();
    return (norm - 1.0).pow(2).sum() * Number(spec_, "gradientPenalty");
  }

  // Gradients that are infinite or NaN, as the penalty's where a slope is exactly 0, count as 0.
  void Apply(Adam& adam, const ParameterSet& set, double lr) {
    for (const Tensor& weight : set.tensors()) {
      if (weight.grad().defined()) at::nan_to_num_(weight.mutable_grad(), 0.0, 0.0, 0.0);
    }
    if (Has(spec_, "clipGradNorm")) adam.Clip(Number(spec_, "clipGradNorm"));
    adam.Begin(lr);
    adam.Apply();
    adam.ZeroGrad();
  }

  void Backward(const Tensor& loss, const ParameterSet& set) const {
    loss.backward({}, false, false, set.tensors());
  }

  void DiscriminatorStep(const Tensor& real, const PganStage& stage, double lr, Meter& meter) {
    PganDiscriminator& discriminator = networks_.discriminator;
    const Tensor of_real = discriminator.Forward(*ops_, real, stage);
    Tensor fake;
    {
      const at::NoGradGuard no_grad;
      fake = Generate(real.size(0), stage);
    }
    const Tensor of_fake = discriminator.Forward(*ops_, fake, stage);
    const Tensor loss_real = of_real.sum().neg(), loss_fake = of_fake.sum();
    std::vector<Tensor> parts{loss_real.detach(), loss_fake.detach()};
    if (HasPenalty()) {
      const Tensor penalty = GradientPenalty(real, fake, stage);
      Backward(penalty, discriminator.set());
      parts.push_back(penalty.detach());
      meter.Add("gradientPenalty", penalty.detach());
    }
    Tensor loss = loss_real + loss_fake;
    if (Number(spec_, "driftPenalty") > 0) {
      const Tensor drift = of_real.pow(2).sum() * Number(spec_, "driftPenalty");
      parts.push_back(drift.detach());
      loss = loss + drift;
    }
    Backward(loss, discriminator.set());
    Apply(*adam_d_, discriminator.set(), lr);
    meter.AddSum("lossD", parts);
    meter.Add("dReal", of_real.detach().mean());
    meter.Add("dFake", of_fake.detach().mean());
  }

  void GeneratorStep(int64_t count, const PganStage& stage, double lr, Meter& meter) {
    const Tensor loss = networks_.discriminator.Forward(*ops_, Generate(count, stage), stage).sum().neg();
    Backward(loss, networks_.generator.set());
    Apply(*adam_g_, networks_.generator.set(), lr);
    meter.Add("lossG", loss.detach());
  }

  void UpdateAverage() {
    const at::NoGradGuard no_grad;
    const NamedTensors& online = networks_.generator.set().parameters();
    for (size_t i = 0; i < average_.size(); ++i)
      average_[i].tensor.mul_(decay_).add_(online[i].tensor, 1 - decay_);
  }

  Spec spec_;
  RandomState random_;
  at::Device device_;
  PganPlan plan_;
  double decay_;
  std::unique_ptr<Ops> ops_;
  Ops reference_;
  PganNetworks networks_;
  std::unique_ptr<Adam> adam_g_, adam_d_;
  NamedTensors average_;  // of the generator's parameters; empty where none are kept
};

}  // namespace

std::unique_ptr<TrainingStep> MakePganTrainingStep(const Spec& spec, RandomState& random, at::Device device) {
  return std::make_unique<PganTrainingStep>(spec, random, device);
}

}  // namespace shinsaku
