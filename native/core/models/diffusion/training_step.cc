// Training a Gaussian diffusion model: the loss and update rule of denoising-diffusion-pytorch.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "core/distributed/gradient_average.h"
#include "core/models/diffusion/ambient.h"
#include "core/models/diffusion/augment.h"
#include "core/models/diffusion/condition.h"
#include "core/models/diffusion/denoiser.h"
#include "core/models/diffusion/distillation_step.h"
#include "core/models/diffusion/kind.h"
#include "core/models/diffusion/labels.h"
#include "core/models/diffusion/picture_loss.h"
#include "core/optim/adam.h"
#include "core/optim/ema.h"
#include "core/runtime/autocast.h"
#include "core/runtime/cancel.h"
#include "core/runtime/graphs.h"
#include "core/runtime/unit_scope.h"
#include "core/state_names.h"

namespace shinsaku {
namespace {

using at::Tensor;

class DiffusionTrainingStep : public TrainingStep {
 public:
  DiffusionTrainingStep(const Spec& spec, const RandomState& random, at::Device device)
      : spec_(spec),
        random_(random),
        device_(device),
        accumulate_(Integer(spec, "accumulate")),
        denoiser_(spec, Fill::kDraw, device, random.cpu, MakeTrainingOps(Text(spec, "ops"))),
        augment_(Number(spec, "augment")),
        dropout_(Number(spec, "dropout")),
        ambient_sigma_(Number(spec, "ambientSigma")),
        label_dropout_(denoiser_.plan().labels.attributes() > 0 ? Number(spec, "labelDropout") : 0),
        adam_(MakeAdam(spec, denoiser_.set().parameters(), "", AdamOf(spec))) {
    if (Flag(spec, "graph")) {
      if (denoiser_.plan().self_condition)
        throw Failure("NATIVE_FAILED", "self-conditioning decides on the host, so no graph can hold it");
      if (augment_ > 0 || dropout_ > 0 || ambient_sigma_ > 0 || HasCondition())
        throw Failure("NATIVE_FAILED", "each batch has random state of its own, so no graph can hold it");
      graphs_ = std::make_unique<Graphs>(device, random.device);
    }
    denoiser_.set().RequireGrad(true);
    if (!Has(spec, "emaDecay")) return;
    ema_ = std::make_unique<Ema>(spec, denoiser_.set(),
                                 denoiser_.plan().is_v2 ? EmaForm::k2023 : EmaForm::k2022);
  }

  DataOrder order() const override { return DataOrder::kEpochs; }

  void Join(std::shared_ptr<Communicator> group) override {
    if (graphs_)
      throw Failure("NATIVE_FAILED", "the processes of a group meet on the host, so no graph can hold it");
    share_ = group->share();
    average_ = std::make_unique<GradientAverage>(std::move(group), denoiser_.set().tensors());
  }

  void Update(DataLoader& loader, Meter& meter) override {
    const double lr = LearningRate(spec_, loader.sampler().images_seen());
    adam_->Begin(lr);
    const auto work = [&] { return Compute(loader); };
    const std::vector<Tensor> results = graphs_ ? graphs_->Run(loader.Prefetch(accumulate_), work) : work();
    meter.AddSum("loss", {results.begin(), results.begin() + accumulate_});
    if (Has(spec_, "clipGradNorm")) meter.Add("gradNorm", results.back());
    meter.Add("learningRate", lr);
    if (ema_) ema_->Update();
  }

  int64_t batches() const override { return accumulate_; }

  std::vector<Tensor> Rehearse(BatchSampler& sampler, const RandomState& random) const override {
    const UnetPlan& plan = denoiser_.plan();
    std::vector<Tensor> indices;
    for (int64_t i = 0; i < accumulate_; ++i) {
      const Tensor& batch = indices.emplace_back(sampler.Next().indices);
      if (random.shared()) {
        Draw({batch.numel(), plan.channels, plan.size, plan.size}, random);
        if (label_dropout_ > 0) DrawLabelDrops(batch.numel(), plan, random.device, device_);
      }
      if (plan.self_condition) SelfConditions(random);
    }
    return indices;
  }

  NamedTensors state() override {
    NamedTensors all = denoiser_.set().state();
    const auto append = [&](const NamedTensors& more) { all.insert(all.end(), more.begin(), more.end()); };
    if (ema_) append(ema_->state());
    append(adam_->state());
    return all;
  }

  NamedTensors weights(const std::string& which) override {
    const auto sampled = [](NamedTensors all) {
      std::erase_if(all, [](const NamedTensor& entry) { return state_names::IsAugment(entry.name); });
      return all;
    };
    if (which == "raw") return sampled(denoiser_.set().state());
    if (ema_) return sampled(ema_->weights());
    throw Failure("CHECKPOINT_MISMATCH",
                  "this run keeps no averaged weights (emaDecay is null); ask for weights \"raw\"");
  }

  void EndAt(int64_t images) override { spec_["maxImages"] = static_cast<double>(images); }

  Tensor Loss(const Tensor& pixels, const Spec& args) override {
    return PictureLoss(spec_, weights(Text(args, "weights")), pixels, args, device_);
  }

  const Graphs* graphs() const override { return graphs_.get(); }

 private:
  // The device's part of an update: losses of its batches, then the gradients' norm where it is clipped.
  std::vector<Tensor> Compute(DataLoader& loader) {
    std::vector<Tensor> results;
    for (int64_t i = 0; i < accumulate_; ++i) {
      const int64_t seen = loader.sampler().images_seen();
      const Batch batch = loader.Next(PixelRange::kDiffusion);
      Tensor loss = Loss(batch, seen) / accumulate_;
      if (const double weight = share_.Weight(batch.total); weight != 1) loss = loss * weight;
      // A short batch may have no row for this process.
      if (loss.requires_grad()) loss.backward();
      results.push_back(loss.detach());
      // Nothing else may run while an update is recorded.
      if (!graphs_ && i + 1 < accumulate_) RunInterruptions();
    }
    if (average_) average_->Run();
    if (Has(spec_, "clipGradNorm")) results.push_back(adam_->Clip(Number(spec_, "clipGradNorm")));
    adam_->Apply();
    adam_->ZeroGrad();
    return results;
  }

  static AdamOptions AdamOf(const Spec& spec) {
    const auto& betas = Numbers(spec, "betas");
    return {betas.at(0), betas.at(1), 1e-8, 0, AdamOptions::Form::kTorch};
  }

  // Times I64 [N] and noise [N,C,H,W] of a batch.
  struct Draws {
    Tensor t, noise;
  };
  Draws Draw(at::IntArrayRef shape, const RandomState& random) const {
    const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device_);
    const Tensor t =
        at::randint(denoiser_.schedule().timesteps, {shape[0]}, random.device, options.dtype(at::kLong));
    Tensor noise = at::randn(shape, random.device, options);
    if (const double strength = Number(spec_, "offsetNoise"); strength > 0) {
      noise = noise + strength * at::randn({shape[0], shape[1], 1, 1}, random.device, options);
    }
    return {t, noise};
  }

  // Ho 2020, algorithm 1, with the objectives and weights of the schedule; `seen` images came before the
  // batch.
  Tensor Loss(const Batch& batch, int64_t seen) {
    Tensor x0 = batch.x;  // [N,C,H,W] in [-1,1]
    UnetTraining training{{}, dropout_, {}};
    Tensor given;
    if (augment_ > 0 || dropout_ > 0 || HasCondition()) {
      const RandomState random = BatchRandomState(Seed(), seen, device_);
      if (augment_ > 0 && x0.size(0) > 0) {
        const Augmented augmented =
            Augment(x0, augment_, !Flag(spec_, "flip"), random.cpu, share_, batch.total);
        x0 = augmented.x;
        training.augment = augmented.labels;
      }
      if (HasCondition()) {
        const ConditionDraws drawn = DrawCondition(denoiser_.plan(), batch.total, random.cpu);
        given = MakeCondition(denoiser_.plan(), x0, {share_.Rows(drawn.uniform), share_.Rows(drawn.noise)});
      }
      // Units that drop out differ between processes, as PyTorch's do.
      training.random =
          share_.size == 1
              ? random.device
              : BatchRandomState(Seed() + 1 + static_cast<uint64_t>(share_.rank), seen, device_).device;
    }
    std::vector<int64_t> all = x0.sizes().vec();
    all[0] = batch.total;
    auto [t, noise] = Draw(all, random_);
    t = share_.Rows(t);
    noise = share_.Rows(noise);
    Tensor drops;
    if (label_dropout_ > 0)
      drops = share_.Rows(DrawLabelDrops(batch.total, denoiser_.plan(), random_.device, device_));
    const bool self_conditions = denoiser_.plan().self_condition && SelfConditions(random_);
    if (x0.size(0) == 0) return at::zeros({}, x0.options());
    Tensor labels = denoiser_.plan().labels.Checked(batch.labels);
    if (label_dropout_ > 0) labels = DropLabels(labels, denoiser_.plan(), label_dropout_, drops);
    Tensor x, ambient_weight;
    if (ambient_sigma_ > 0) {
      const Tensor fixed = FixedNoise(Seed(), batch.indices, batch.mirrored, x0.sizes().slice(1), device_);
      const AmbientBatch ambient = MakeAmbient(denoiser_.schedule(), x0, t, noise, fixed, ambient_sigma_);
      x = ambient.x;
      x0 = ambient.x0;
      noise = ambient.noise;
      ambient_weight = ambient.weight;
    } else {
      x = denoiser_.Diffuse(x0, t, noise);
    }
    const Autocast autocast(spec_, device_);
    const Tensor first = self_conditions ? FirstEstimate(x, t, labels, given) : Tensor();
    const Tensor output = denoiser_.Output(x, t, first, &training, labels, given);
    const Tensor target = denoiser_.Target(x0, t, noise);
    const Tensor distance = Distance(spec_, output, target);
    Tensor weight = Schedule::Extract(denoiser_.schedule().loss_weight, t).view({-1});
    if (ambient_weight.defined()) weight = weight * ambient_weight;
    // 0.26.4 weights every pixel, 2.3 the mean of each picture: equal but for rounding.
    if (denoiser_.plan().is_v2) return (distance.mean({1, 2, 3}) * weight).mean();
    return (distance.reshape({distance.size(0), -1}) * weight.unsqueeze(1)).mean();
  }

  bool HasCondition() const { return !denoiser_.plan().condition.empty(); }

  uint64_t Seed() const { return static_cast<uint64_t>(Number(spec_, "seed")); }

  // Chen 2022: for half of the batches the network also sees its own first estimate of x0. The reference
  // takes the coin from Python's random module; here it is the CPU stream's.
  static bool SelfConditions(const RandomState& random) {
    return at::rand({1}, random.cpu, at::kFloat).item<float>() < 0.5F;
  }

  Tensor FirstEstimate(const Tensor& x, const Tensor& t, const Tensor& labels, const Tensor& given) {
    const at::NoGradGuard no_grad;
    return denoiser_.FromOutput(denoiser_.Output(x, t, {}, nullptr, labels, given), x, t, false).x0;
  }

  Spec spec_;
  RandomState random_;
  at::Device device_;
  int64_t accumulate_;
  Denoiser denoiser_;
  double augment_, dropout_, ambient_sigma_, label_dropout_;
  std::unique_ptr<Adam> adam_;
  std::unique_ptr<Ema> ema_;
  std::unique_ptr<Graphs> graphs_;
  // Of a run of several processes.
  Share share_;
  std::unique_ptr<GradientAverage> average_;
};

}  // namespace

std::unique_ptr<TrainingStep> MakeDiffusionTrainingStep(const Spec& spec, RandomState& random,
                                                        at::Device device) {
  if (Has(spec, "distilSteps")) return MakeDistillationStep(spec, random, device);
  return std::make_unique<DiffusionTrainingStep>(spec, random, device);
}

}  // namespace shinsaku
