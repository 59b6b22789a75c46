// The adversarial game of StyleGAN2: losses, penalties and update rules.
//
// One update, each part with its own optimizer step on its own network:
//
//   generator      -log D(G(z)), as softplus of the logit                 Goodfellow 2014
//   path length    every "pathLengthEvery" updates, on half a batch       Karras 2020, section 3.2
//   discriminator  softplus of both logits
//   R1             every "r1Every" updates, at the data                   Mescheder 2018
//
// What is computed every k-th update counts k times, and Adam's step and decays are those of k/(k+1) (Karras
// 2020, section 3.1). With ganLoss "relativistic" the discriminator goes first, both look at the difference
// of the logits of a pair, and the penalty is at the data and at what is generated (R3GAN, Huang 2025, arXiv
// 2501.05441).
//
// All draws of an update are from streams that one draw of the run's seeds.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/models/label_dropout.h"
#include "core/models/stylegan2/augmentation.h"
#include "core/models/stylegan2/kind.h"
#include "core/nn/stylegan2.h"
#include "core/ops/twice.h"
#include "core/optim/adam.h"
#include "core/optim/ema.h"
#include "core/runtime/autocast.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {
namespace {

constexpr double kMeanDecay = 0.995;      // of the mean of w
constexpr double kPathDecay = 0.01;       // how much of a batch's path length enters its mean
constexpr int64_t kAugmentEvery = 4;      // updates from one step of the augmentation's p to the next
constexpr double kLargestGradient = 1e5;  // what stands in for an infinite one

// Names without the network's prefix, which Adam puts in front of its own.
NamedTensors Bare(const ParameterSet& set, const std::string& prefix) {
  NamedTensors bare = set.parameters();
  for (auto& entry : bare) entry.name.erase(0, prefix.size());
  return bare;
}

// A player's optimizer whose penalty comes every `every` updates.
struct Player {
  Player(const Spec& spec, ParameterSet& own, const std::string& prefix, bool penalised, int64_t every)
      : set(own),
        share(penalised && every > 1 ? static_cast<double>(every) / static_cast<double>(every + 1) : 1) {
    const auto& betas = Numbers(spec, "betas");
    adam = MakeAdam(
        spec, Bare(own, prefix), prefix,
        {std::pow(betas.at(0), share), std::pow(betas.at(1), share), 1e-8, 0, AdamOptions::Form::kTorch});
  }
  ParameterSet& set;
  double share;  // of the learning rate, and the exponent of the decays
  std::unique_ptr<Adam> adam;
};

// Pictures [N,C,H,W] and their rows of labels [N,width]; undefined for a network without labels.
struct Data {
  Tensor x, labels;
};

class Stylegan2TrainingStep : public TrainingStep {
 public:
  Stylegan2TrainingStep(const Spec& spec, const RandomState& random, at::Device device)
      : spec_(spec),
        random_(random),
        device_(device),
        plan_(spec),
        relativistic_(Text(spec, "ganLoss") == "relativistic"),
        accumulate_(Integer(spec, "accumulate")),
        r1_every_(Integer(spec, "r1Every")),
        path_every_(Integer(spec, "pathLengthEvery")),
        path_weight_(Number(spec, "pathLengthWeight")),
        style_mixing_(Number(spec, "styleMixing")),
        gamma_(Has(spec, "r1Gamma")
                   ? Number(spec, "r1Gamma")
                   : 0.0002 * static_cast<double>(plan_.size * plan_.size) / Number(spec, "batch")),
        ops_(MakeTrainingOps(Text(spec, "ops"))),
        twice_(MakeTwiceDifferentiableOps(Text(spec, "ops"))),
        generator_(plan_, Fill::kDraw, device, random.cpu),
        discriminator_(plan_, Fill::kDraw, device, random.cpu),
        augmentation_(MakeAugmentation(spec)) {
    for (ParameterSet* set : {&generator_.set(), &discriminator_.set()}) {
      set->SetMemoryFormat([&](const Tensor& weight) { return ops_->WeightFormat(weight); });
      set->RequireGrad(true);
    }
    g_ = std::make_unique<Player>(spec, generator_.set(), "generator.", path_weight_ > 0, path_every_);
    d_ = std::make_unique<Player>(spec, discriminator_.set(), "discriminator.", gamma_ > 0, r1_every_);
    if (Has(spec, "emaDecay")) ema_ = std::make_unique<Ema>(spec, generator_.set(), EmaForm::kRamped);
    const auto scalar = at::TensorOptions(at::kFloat).device(device);
    path_mean_ = at::zeros({1}, scalar), r1_ = at::zeros({1}, scalar), signs_ = at::zeros({3}, scalar);
    augment_p_ = at::zeros({1}, scalar);
    adaptive_ = Text(spec, "augment") == "ada" && !Has(spec, "augmentP");
    if (Has(spec, "augmentP")) augment_p_.fill_(Number(spec, "augmentP"));
  }

  DataOrder order() const override { return DataOrder::kEpochs; }

  void Update(DataLoader& loader, Meter& meter) override {
    const double lr = LearningRate(spec_, loader.sampler().images_seen());
    draws_ = SeedRandomState(static_cast<uint64_t>(DrawSeed(random_.cpu)), device_);
    std::vector<Data> reals;
    for (int64_t i = 0; i < batches(); ++i) reals.push_back(Told(loader.Next(kStylegan2Range)));
    const int64_t k = updates_.item<int64_t>();
    // The relativistic generator compares with pictures that its discriminator's step had not.
    const std::vector<Data> others(reals.begin() + (relativistic_ ? accumulate_ : 0), reals.end());
    reals.resize(static_cast<size_t>(accumulate_));
    if (relativistic_) DiscriminatorSteps(reals, k, lr);
    GeneratorSteps(others, k, lr);
    if (!relativistic_) DiscriminatorSteps(reals, k, lr);
    updates_.add_(1);
    if (ema_) ema_->Update();
    if (adaptive_ && (k + 1) % kAugmentEvery == 0) AdaptAugmentation();
    meter.Add("lossG", loss_g_);
    meter.Add("lossD", loss_d_);
    meter.Add("dReal", d_real_);
    meter.Add("dFake", d_fake_);
    meter.Add("r1", r1_.clone().squeeze());
    meter.Add("pathLength", path_mean_.clone().squeeze());
    if (augmentation_) meter.Add("augmentP", augment_p_.clone().squeeze());
    meter.Add("learningRate", lr);
  }

  int64_t batches() const override { return accumulate_ * (relativistic_ ? 2 : 1); }

  std::vector<Tensor> Rehearse(BatchSampler& sampler, const RandomState& random) const override {
    at::Generator stream = random.cpu;
    DrawSeed(stream);
    std::vector<Tensor> indices;
    for (int64_t i = 0; i < batches(); ++i) indices.push_back(sampler.Next().indices);
    return indices;
  }

  void EndAt(int64_t images) override { spec_["maxImages"] = static_cast<double>(images); }

  // One row: by how much the discriminator takes each picture for generated, a logit. Pictures that it knows
  // by heart have less of it than others by the same hand. There are no averages of the discriminator,
  // whatever "weights" says.
  Tensor Loss(const Tensor& pixels, const Spec&) override {
    const Tensor unmirrored = at::zeros({pixels.size(0)}, pixels.options().dtype(at::kBool));
    Ops plain;
    const Tensor labels = plan_.labels.Unknown(pixels.size(0), device_);
    return discriminator_.Forward(plain, ToFloat(pixels, unmirrored, kStylegan2Range), labels, 1)
        .neg()
        .view({1, -1});
  }

  const Graphs* graphs() const override { return nullptr; }

  NamedTensors state() override {
    NamedTensors all = generator_.set().state();
    const auto append = [&](const NamedTensors& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(discriminator_.set().state());
    if (ema_) append(ema_->state());
    append(g_->adam->state());
    append(d_->adam->state());
    append({{"optimizer.updates", updates_},
            {"optimizer.path_length", path_mean_},
            {"optimizer.r1", r1_},
            {"optimizer.augment_p", augment_p_},
            {"optimizer.augment_signs", signs_}});
    return all;
  }

  NamedTensors weights(const std::string& which) override {
    if (which == "raw") return generator_.set().state();
    if (ema_) return ema_->weights();
    throw Failure("CHECKPOINT_MISMATCH",
                  "this run keeps no averaged weights (emaDecay is null); ask for weights \"raw\"");
  }

 private:
  // A batch, some of whose labels are hidden.
  Data Told(const Batch& batch) {
    const Tensor labels = plan_.labels.Checked(batch.labels);
    if (!labels.defined()) return {batch.x, {}};
    const Tensor draws = DrawHiding(labels.size(0), plan_.labels.widths, draws_.device, device_);
    return {batch.x, HideLabels(labels, plan_.labels.widths, Number(spec_, "labelDropout"), draws)};
  }

  Tensor Zero() const { return at::zeros({}, at::TensorOptions(at::kFloat).device(device_)); }
  Tensor Normal(at::IntArrayRef shape) {
    return at::randn(shape, draws_.device, at::TensorOptions(at::kFloat).device(device_));
  }

  // Styles [N,styles,latent] of random latents; for a share of batches the later ones are another latent's.
  Tensor Styles(Ops& ops, int64_t count, const Tensor& labels) {
    const Tensor w = generator_.Map(ops, Normal({count, plan_.latent}), labels).to(at::kFloat);
    {
      const at::NoGradGuard no_grad;
      Tensor mean = generator_.mean_w();
      mean.copy_(at::lerp(w.mean({0}), mean, kMeanDecay));
    }
    const int64_t styles = plan_.styles();
    const Tensor ws = w.unsqueeze(1).expand({-1, styles, -1});
    if (style_mixing_ == 0) return ws;
    int64_t cut = at::randint(1, styles, {1}, draws_.cpu, at::kLong).item<int64_t>();
    if (!(at::rand({1}, draws_.cpu, at::kFloat).item<float>() < style_mixing_)) cut = styles;
    const Tensor other = generator_.Map(ops, Normal({count, plan_.latent}), labels).to(at::kFloat);
    return at::cat({ws.narrow(1, 0, cut), other.unsqueeze(1).expand({-1, styles - cut, -1})}, 1);
  }

  Tensor Synthesise(Ops& ops, const Tensor& ws) {
    std::vector<Tensor> noise;
    for (const int64_t side : plan_.NoiseSides()) noise.push_back(Normal({ws.size(0), 1, side, side}));
    return generator_.Synthesise(ops, ws, noise).to(at::kFloat);
  }

  // As many as there are pictures of data, and of their labels.
  Tensor Generate(const Data& data) {
    const Autocast autocast(spec_, device_);
    ops_->Begin();
    return Synthesise(*ops_, Styles(*ops_, data.x.size(0), data.labels));
  }

  // Pictures that the discriminator learns from, not the generator.
  Tensor GenerateFixed(const Data& data) {
    const at::NoGradGuard no_grad;
    return Generate(data);
  }

  Tensor Discriminate(Ops& ops, const Tensor& x, const Tensor& labels) {
    const Tensor seen = augmentation_ ? augmentation_->Apply(x, draws_.device, augment_p_) : x;
    const Autocast autocast(spec_, device_);
    return discriminator_.Forward(ops, seen, labels, plan_.group).to(at::kFloat);
  }

  // Adds the gradient for one network alone; the other one is a constant to it.
  Tensor Backward(const Tensor& loss, const ParameterSet& set, bool keep_graph = false) const {
    const Tensor share = loss.div(accumulate_);
    share.backward({}, keep_graph, false, set.tensors());
    return share.detach();
  }

  // Without gradient there is none of NaN either, and an infinite one is large.
  void Apply(Player& player, double lr) {
    {
      const at::NoGradGuard no_grad;
      for (const auto& [name, parameter] : player.set.parameters()) {
        Tensor& gradient = parameter.mutable_grad();
        if (!gradient.defined()) gradient = at::zeros_like(parameter);
        gradient.nan_to_num_(0, kLargestGradient, -kLargestGradient);
      }
    }
    if (Has(spec_, "clipGradNorm")) player.adam->Clip(Number(spec_, "clipGradNorm"));
    player.adam->Begin(lr * player.share);
    player.adam->Apply();
    player.adam->ZeroGrad();
  }

  static bool Due(int64_t k, int64_t every) { return k % every == 0; }

  void GeneratorSteps(const std::vector<Data>& reals, int64_t k, double lr) {
    loss_g_ = Zero();
    for (const Data& real : reals) {
      const Tensor fake = Generate(real);
      Tensor logits = Discriminate(*ops_, fake, real.labels);
      if (relativistic_) logits = logits - Discriminate(*ops_, real.x, real.labels);
      loss_g_ = loss_g_ + Backward(at::softplus(-logits).mean(), generator_.set());
    }
    const bool penalise = path_weight_ > 0 && Due(k, path_every_);
    // What comes with every update is one step with the loss.
    if (!penalise || path_every_ > 1) Apply(*g_, lr);
    if (!penalise) return;
    for (const Data& real : reals) PenalisePathLength(real);
    Apply(*g_, lr);
  }

  // How far a picture moves for a small step of w should be the same everywhere. On half a batch.
  void PenalisePathLength(const Data& data) {
    const int64_t count = std::max<int64_t>(data.x.size(0) / 2, 1);
    const Tensor ws =
        Styles(*twice_, count, data.labels.defined() ? data.labels.narrow(0, 0, count) : Tensor());
    const Tensor fake = Synthesise(*twice_, ws);
    const Tensor directions = Normal(fake.sizes()) / std::sqrt(static_cast<double>(plan_.size * plan_.size));
    const Tensor slopes = torch::autograd::grad({(fake * directions).sum()}, {ws}, {}, true, true)[0];
    const Tensor lengths = slopes.square().sum({2}).mean({1}).sqrt();  // [N]
    const Tensor mean = at::lerp(path_mean_, lengths.mean(), kPathDecay);
    {
      const at::NoGradGuard no_grad;
      path_mean_.copy_(mean);
    }
    const Tensor penalty = (lengths - mean).square().mean();
    Backward(penalty * (path_weight_ * static_cast<double>(path_every_)), generator_.set());
  }

  void DiscriminatorSteps(const std::vector<Data>& reals, int64_t k, double lr) {
    loss_d_ = Zero(), d_real_ = Zero(), d_fake_ = Zero();
    for (const Data& real : reals) {
      const Tensor fake = GenerateFixed(real);
      if (relativistic_) {
        const Tensor of_real = Discriminate(*ops_, real.x, real.labels);
        const Tensor of_fake = Discriminate(*ops_, fake, real.labels);
        Note(of_real, of_fake);
        loss_d_ = loss_d_ + Backward(at::softplus(of_fake - of_real).mean(), discriminator_.set());
      } else {
        const Tensor of_fake = Discriminate(*ops_, fake, real.labels);
        loss_d_ = loss_d_ + Backward(at::softplus(of_fake).mean(), discriminator_.set());
        const Tensor of_real = Discriminate(*ops_, real.x, real.labels);
        Note(of_real, of_fake);
        loss_d_ = loss_d_ + Backward(at::softplus(-of_real).mean(), discriminator_.set());
      }
    }
    const bool penalise = gamma_ > 0 && Due(k, r1_every_);
    if (!penalise || r1_every_ > 1) Apply(*d_, lr);
    if (!penalise) return;
    r1_.zero_();
    for (const Data& real : reals) {
      PenaliseSlope(real.x, real.labels, true);
      if (relativistic_) PenaliseSlope(GenerateFixed(real), real.labels, false);
    }
    Apply(*d_, lr);
  }

  // gamma / 2 times the squared length of the slope of the logit at each picture, a sum over its pixels.
  void PenaliseSlope(const Tensor& pictures, const Tensor& labels, bool real) {
    const Tensor x = pictures.detach().requires_grad_(true);
    const Tensor logits = Discriminate(*twice_, x, labels);
    if (real) CountSigns(logits);
    const Tensor slope = torch::autograd::grad({logits.sum()}, {x}, {}, true, true)[0];
    const Tensor penalty = slope.square().sum({1, 2, 3}).mean();
    if (real) r1_.add_(penalty.detach() / accumulate_);
    Backward(penalty * (gamma_ / 2 * static_cast<double>(r1_every_)), discriminator_.set());
  }

  void Note(const Tensor& of_real, const Tensor& of_fake) {
    d_real_ = d_real_ + at::sigmoid(of_real.detach()).mean() / accumulate_;
    d_fake_ = d_fake_ + at::sigmoid(of_fake.detach()).mean() / accumulate_;
    CountSigns(of_real);
    signs_.select(0, 2).add_(static_cast<double>(of_real.size(0)));
  }

  // What tells overfitting: how many more real pictures the discriminator takes for real than not.
  void CountSigns(const Tensor& of_real) {
    signs_.select(0, 0).add_(of_real.detach().sign().sum());
    signs_.select(0, 1).add_(static_cast<double>(of_real.size(0)));
  }

  // Towards the target by as much as brings p from 0 to 1 in "augmentImages".
  void AdaptAugmentation() {
    const at::NoGradGuard no_grad;
    const Tensor direction =
        (signs_.select(0, 0) / signs_.select(0, 1) - Number(spec_, "augmentTarget")).sign();
    augment_p_.add_(direction * (signs_.select(0, 2) / Number(spec_, "augmentImages"))).clamp_min_(0);
    signs_.zero_();
  }

  Spec spec_;
  RandomState random_;
  at::Device device_;
  Stylegan2Plan plan_;
  bool relativistic_, adaptive_ = false;
  int64_t accumulate_, r1_every_, path_every_;
  double path_weight_, style_mixing_, gamma_;
  std::unique_ptr<Ops> ops_, twice_;  // twice_: for what is differentiated twice
  Stylegan2Generator generator_;
  Stylegan2Discriminator discriminator_;
  std::unique_ptr<Augmentation> augmentation_;
  std::unique_ptr<Player> g_, d_;
  std::unique_ptr<Ema> ema_;
  RandomState draws_;  // of this update
  Tensor updates_ = at::zeros({1}, at::kLong);
  // Running mean of path lengths; the last penalty; p; sum of signs, logits counted, pictures seen since p
  // moved.
  Tensor path_mean_, r1_, augment_p_, signs_;
  // Of the last step of each network: sums over its batches, on the device.
  Tensor loss_g_, loss_d_, d_real_, d_fake_;
};

}  // namespace

std::unique_ptr<TrainingStep> MakeStylegan2TrainingStep(const Spec& spec, RandomState& random,
                                                        at::Device device) {
  return std::make_unique<Stylegan2TrainingStep>(spec, random, device);
}

}  // namespace shinsaku
