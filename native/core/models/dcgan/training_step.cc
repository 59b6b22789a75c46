// The adversarial game of the DCGAN: losses and update rules of the three variants.
//
// One update is k = "discriminatorUpdates" discriminator steps, each on pictures of its own, and one
// generator step; "accumulate" batches make one step. How the two meet is the variant's:
//
//   pytorch  the generator step goes through the last discriminator step's pictures again, after that step.
//   chainer  both gradients are taken at the same weights, then the generator moves, then the discriminator.
//   radford  first the generator step, then the discriminator's, each with latents of its own. The source
//            alternates over minibatches of data and never reads the pictures of the generator's turn, so
//            here only the discriminator takes pictures; latents always fill a whole batch. The source's
//            decay of beta1 (1 % in a million updates) is left out.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include "core/distributed/gradient_average.h"
#include "core/models/dcgan/kind.h"
#include "core/models/label_dropout.h"
#include "core/nn/dcgan.h"
#include "core/optim/adam.h"
#include "core/optim/ema.h"
#include "core/runtime/autocast.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {
namespace {

// Latents of a batch and, where a graph to the generator is kept, the pictures made of them.
struct FakeBatch {
  Tensor z;           // [N,latent]
  Tensor images;      // [N,C,H,W] or undefined
  double weight = 1;  // of the mean over them
  Tensor labels;      // rows [N,width]; undefined for a network without labels
};

AdamOptions AdamOf(const Spec& spec, DcganVariant variant) {
  const auto& betas = Numbers(spec, "betas");
  const auto form =
      variant == DcganVariant::kChainer ? AdamOptions::Form::kChainer : AdamOptions::Form::kTorch;
  return {betas.at(0), betas.at(1), 1e-8, Number(spec, "weightDecay"), form};
}

// Names without the network's prefix, which Adam puts in front of its own.
NamedTensors Bare(const ParameterSet& set, const std::string& prefix) {
  NamedTensors bare = set.parameters();
  for (auto& entry : bare) entry.name.erase(0, prefix.size());
  return bare;
}

class DcganTrainingStep : public TrainingStep {
 public:
  DcganTrainingStep(const Spec& spec, const RandomState& random, at::Device device)
      : spec_(spec),
        random_(random),
        device_(device),
        plan_(spec),
        batch_(Integer(spec, "batch")),
        accumulate_(Integer(spec, "accumulate")),
        discriminator_updates_(Integer(spec, "discriminatorUpdates")),
        ops_(MakeTrainingOps(Text(spec, "ops"))),
        generator_(plan_, Fill::kDraw, device, random.cpu),
        discriminator_(plan_, Fill::kDraw, device, random.cpu) {
    if (plan_.variant == DcganVariant::kRadford && plan_.labels.attributes() > 0)
      throw Failure("NATIVE_FAILED",
                    "variant radford has no pictures at hand, and so no labels, when its generator moves");
    for (ParameterSet* set : {&generator_.set(), &discriminator_.set()})
      set->SetMemoryFormat([&](const Tensor& weight) { return ops_->WeightFormat(weight); });
    const AdamOptions adam = AdamOf(spec, plan_.variant);
    adam_g_ = MakeAdam(spec, Bare(generator_.set(), "generator."), "generator.", adam);
    adam_d_ = MakeAdam(spec, Bare(discriminator_.set(), "discriminator."), "discriminator.", adam);
    if (Flag(spec, "graph")) {
      if (discriminator_updates_ != 1)
        throw Failure("NATIVE_FAILED",
                      "each discriminator update is counted on the host, so a graph can hold one");
      graphs_ = std::make_unique<Graphs>(device, random.device);
    }
    // The latents of the example's grid of samples: not used, but part of the stream.
    if (plan_.variant == DcganVariant::kPytorch) DrawLatent(plan_, batch_, random_.device);
    generator_.set().RequireGrad(true);
    discriminator_.set().RequireGrad(true);
    if (Has(spec, "emaDecay")) ema_ = std::make_unique<Ema>(spec, generator_.set(), EmaForm::k2023);
  }

  DataOrder order() const override {
    return plan_.variant == DcganVariant::kChainer ? DataOrder::kReplacement : DataOrder::kEpochs;
  }

  // Each process normalizes by the statistics of its own rows, as PyTorch's DistributedDataParallel does; the
  // running ones that are kept are rank 0's.
  void Join(std::shared_ptr<Communicator> group) override {
    if (graphs_)
      throw Failure("NATIVE_FAILED", "the processes of a group meet on the host, so no graph can hold it");
    share_ = group->share();
    if (batch_ < 2 * share_.size)
      throw Failure("DISTRIBUTED_UNSUPPORTED",
                    "batch normalization needs 2 pictures in each process, so " +
                        std::to_string(share_.size) + " processes need a batch of " +
                        std::to_string(2 * share_.size) + " at least, not " + std::to_string(batch_));
    average_g_ = std::make_unique<GradientAverage>(group, generator_.set().tensors());
    average_d_ = std::make_unique<GradientAverage>(group, discriminator_.set().tensors());
  }

  void Update(DataLoader& loader, Meter& meter) override {
    const double lr = LearningRate(spec_, loader.sampler().images_seen());
    const auto work = [&] { return ComputeUpdate(loader, lr); };
    std::vector<Tensor> results;
    if (graphs_) {
      adam_g_->Begin(lr);
      adam_d_->Begin(lr);
      results = graphs_->Run(loader.Prefetch(accumulate_), work);
    } else {
      results = work();
    }
    if (ema_) ema_->Update();
    meter.Add("lossG", results[0]);
    meter.Add("lossD", results[1]);
    meter.Add("dReal", results[2]);
    meter.Add("dFake", results[3]);
    meter.Add("learningRate", lr);
  }

  int64_t batches() const override { return discriminator_updates_ * accumulate_; }

  std::vector<Tensor> Rehearse(BatchSampler& sampler, const RandomState& random) const override {
    const auto draw = [&](int64_t pictures) {
      if (random.shared()) DrawLatent(plan_, LatentsFor(pictures), random.device);
    };
    if (plan_.variant == DcganVariant::kRadford)
      for (int64_t i = 0; i < accumulate_; ++i) draw(batch_);
    std::vector<Tensor> indices;
    for (int64_t i = 0; i < batches(); ++i) {
      const int64_t pictures = indices.emplace_back(sampler.Next().indices).numel();
      if (random.shared() && plan_.labels.attributes() > 0)
        DrawHiding(pictures, plan_.labels.widths, random.device, device_);
      draw(pictures);
    }
    return indices;
  }

  void EndAt(int64_t images) override { spec_["maxImages"] = static_cast<double>(images); }

  // One row: by how much the discriminator takes each picture for generated, a logit. Pictures that it knows
  // by heart have less of it than others by the same hand. With running statistics, so that no picture
  // depends on its neighbours. There are no averages of the discriminator, whatever "weights" says.
  Tensor Loss(const Tensor& pixels, const Spec&) override {
    DcganDiscriminator fixed(plan_, Fill::kEmpty, device_, std::nullopt);
    CopyAll(fixed.set().state(), discriminator_.set().state());
    const auto ops = MakeOps(Text(spec_, "samplingOps"));
    const Tensor unmirrored = at::zeros({pixels.size(0)}, pixels.options().dtype(at::kBool));
    const Autocast autocast(spec_, device_);
    const Tensor logits =
        fixed
            .Forward(*ops, ToFloat(pixels, unmirrored, plan_.range()),
                     plan_.labels.Unknown(pixels.size(0), device_), BatchStatistics::kRunning)
            .to(at::kFloat);
    return (logits.dim() == 2 ? logits.select(1, 1) - logits.select(1, 0) : logits.neg()).view({1, -1});
  }

  const Graphs* graphs() const override { return graphs_.get(); }

  NamedTensors state() override {
    NamedTensors all = generator_.set().state();
    const auto append = [&](const NamedTensors& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(discriminator_.set().state());
    if (ema_) append(ema_->state());
    append(adam_g_->state());
    append(adam_d_->state());
    return all;
  }

  NamedTensors weights(const std::string& which) override {
    if (which == "raw") return generator_.set().state();
    if (ema_) return ema_->weights();
    throw Failure("CHECKPOINT_MISMATCH",
                  "this run keeps no averaged weights (emaDecay is null); ask for weights \"raw\"");
  }

 private:
  // One update as the variant has it. Returns both losses, and what the discriminator thinks of data and of
  // generated pictures.
  std::vector<Tensor> ComputeUpdate(DataLoader& loader, double lr) {
    const int64_t k = discriminator_updates_;
    switch (plan_.variant) {
      case DcganVariant::kPytorch: {
        for (int64_t i = 0; i + 1 < k; ++i) DiscriminatorStep(loader, lr, false);
        // With more than one batch the graphs are made anew: keeping all of them is what accumulate avoids.
        GeneratorStep(DiscriminatorStep(loader, lr, accumulate_ == 1), BatchStatistics::kBatch, lr);
        break;
      }
      case DcganVariant::kChainer:
        for (int64_t i = 0; i + 1 < k; ++i) DiscriminatorStep(loader, lr, false);
        SimultaneousStep(loader, lr);
        break;
      case DcganVariant::kRadford: {
        std::vector<FakeBatch> fresh;
        for (int64_t i = 0; i < accumulate_; ++i)
          fresh.push_back({Latents(batch_), {}, share_.Weight(LatentsFor(batch_)), {}});
        GeneratorStep(fresh, BatchStatistics::kTrain, lr);
        for (int64_t i = 0; i < k; ++i) DiscriminatorStep(loader, lr, false);
        break;
      }
    }
    return {loss_g_, loss_d_, d_real_, d_fake_};
  }

  // As many as there are pictures, but for radford, whose dense stem cannot do with a last batch of one.
  int64_t LatentsFor(int64_t pictures) const {
    return plan_.variant == DcganVariant::kRadford ? batch_ : pictures;
  }
  // Drawn for all of a batch of `pictures`; those of this process.
  Tensor Latents(int64_t pictures) {
    return share_.Rows(DrawLatent(plan_, LatentsFor(pictures), random_.device));
  }

  // Rows of a batch, some of which are hidden: those of this process, drawn for all.
  Tensor Labels(const Batch& batch) {
    if (plan_.labels.attributes() == 0) return {};
    const Tensor draws = share_.Rows(DrawHiding(batch.total, plan_.labels.widths, random_.device, device_));
    if (batch.x.size(0) == 0) return {};
    return HideLabels(plan_.labels.Checked(batch.labels), plan_.labels.widths, Number(spec_, "labelDropout"),
                      draws);
  }

  Tensor Generate(const Tensor& z, const Tensor& labels, BatchStatistics statistics) {
    const Autocast autocast(spec_, device_);
    return generator_.Forward(*ops_, z, labels, statistics);
  }

  Tensor Discriminate(const Tensor& x, const Tensor& labels) {
    const Autocast autocast(spec_, device_);
    return discriminator_.Forward(*ops_, x, labels, BatchStatistics::kTrain).to(at::kFloat);
  }

  // Mean of -log of the probability that `logits` give to "is data" or its opposite.
  Tensor CrossEntropy(const Tensor& logits, bool data) const {
    switch (plan_.variant) {
      case DcganVariant::kPytorch:  // nn.BCELoss after nn.Sigmoid: its logarithm is clamped at -100
        return at::binary_cross_entropy(at::sigmoid(logits), at::full_like(logits, data ? 1.0 : 0.0));
      case DcganVariant::kRadford:  // the form without overflow, into which Theano rewrites the source's
        return at::binary_cross_entropy_with_logits(logits, at::full_like(logits, data ? 1.0 : 0.0));
      case DcganVariant::kChainer:
        return at::cross_entropy_loss(
            logits, at::full({logits.size(0)}, data ? 0 : 1, logits.options().dtype(at::kLong)));
    }
    throw Failure("NATIVE_FAILED", "unknown DCGAN variant");
  }

  // Goodfellow 2014: -log D(G(z)), or log(1 - D(G(z))) for the minimax game.
  Tensor GeneratorLoss(const Tensor& logits) const {
    return Text(spec_, "ganLoss") == "minimax" ? CrossEntropy(logits, false).neg()
                                               : CrossEntropy(logits, true);
  }

  Tensor MeanProbability(const Tensor& logits) const {
    const Tensor x = logits.detach();
    return (x.dim() == 2 ? at::softmax(x, 1).select(1, 0) : at::sigmoid(x)).mean();
  }

  // A mean over this process's part of a batch, as a part of what an update is of.
  Tensor PartOf(const Tensor& mean, double weight) const {
    const Tensor part = mean.div(accumulate_);
    return weight == 1 ? part : part * weight;
  }

  // Adds the gradient for one network alone; the other one is a constant to it.
  Tensor Backward(const Tensor& loss, const ParameterSet& set, double weight, bool keep_graph = false) const {
    const Tensor part = PartOf(loss, weight);
    part.backward({}, keep_graph, false, set.tensors());
    return part.detach();
  }

  void Apply(Adam& adam, GradientAverage* average, double lr) {
    if (average) average->Run();
    if (Has(spec_, "clipGradNorm")) adam.Clip(Number(spec_, "clipGradNorm"));
    if (!graphs_) adam.Begin(lr);
    adam.Apply();
    adam.ZeroGrad();
  }

  Tensor Zero() const { return at::zeros({}, at::TensorOptions(at::kFloat).device(device_)); }

  void BeginDiscriminator() { loss_d_ = Zero(), d_real_ = Zero(), d_fake_ = Zero(); }

  void BackwardReal(const Batch& batch, const Tensor& labels) {
    if (batch.x.size(0) == 0) return;  // a short batch has none for this process
    const double weight = share_.Weight(batch.total);
    const Tensor logits = Discriminate(batch.x, labels);
    loss_d_ = loss_d_ + Backward(CrossEntropy(logits, true), discriminator_.set(), weight);
    d_real_ = d_real_ + PartOf(MeanProbability(logits), weight);
  }

  // `logits` of generated pictures.
  void BackwardFake(const Tensor& logits, double weight) {
    loss_d_ = loss_d_ + Backward(CrossEntropy(logits, false), discriminator_.set(), weight);
    d_fake_ = d_fake_ + PartOf(MeanProbability(logits), weight);
  }

  // Moves the discriminator alone. Returns what the generator made, with its graph if `keep_graph`.
  std::vector<FakeBatch> DiscriminatorStep(DataLoader& loader, double lr, bool keep_graph) {
    std::vector<FakeBatch> made;
    BeginDiscriminator();
    for (int64_t i = 0; i < accumulate_; ++i) {
      const Batch batch = loader.Next(plan_.range());
      const Tensor labels = Labels(batch);
      BackwardReal(batch, labels);
      const Tensor z = Latents(batch.total);
      if (z.size(0) == 0) continue;
      const double weight = share_.Weight(LatentsFor(batch.total));
      const at::AutoGradMode graph(keep_graph);
      const Tensor images = Generate(z, labels, BatchStatistics::kTrain);
      const at::AutoGradMode discriminating(true);
      BackwardFake(Discriminate(images.detach(), labels), weight);
      made.push_back({z, keep_graph ? images : Tensor(), weight, labels});
    }
    Apply(*adam_d_, average_d_.get(), lr);
    return made;
  }

  // Moves the generator alone. Pictures whose graph was not kept are made again, with `statistics`.
  void GeneratorStep(const std::vector<FakeBatch>& made, BatchStatistics statistics, double lr) {
    loss_g_ = Zero();
    for (const auto& [z, images, weight, labels] : made) {
      const Tensor logits = Discriminate(images.defined() ? images : Generate(z, labels, statistics), labels);
      loss_g_ = loss_g_ + Backward(GeneratorLoss(logits), generator_.set(), weight);
    }
    Apply(*adam_g_, average_g_.get(), lr);
  }

  // Both gradients at the same weights, as in the Chainer program, whose discriminator sees generated
  // pictures first.
  void SimultaneousStep(DataLoader& loader, double lr) {
    loss_g_ = Zero();
    BeginDiscriminator();
    for (int64_t i = 0; i < accumulate_; ++i) {
      const Batch batch = loader.Next(plan_.range());
      const double weight = share_.Weight(batch.total);
      const Tensor labels = Labels(batch);
      const Tensor logits =
          Discriminate(Generate(Latents(batch.total), labels, BatchStatistics::kTrain), labels);
      loss_g_ = loss_g_ + Backward(GeneratorLoss(logits), generator_.set(), weight, true);
      BackwardFake(logits, weight);
      BackwardReal(batch, labels);
    }
    Apply(*adam_g_, average_g_.get(), lr);
    Apply(*adam_d_, average_d_.get(), lr);
  }

  Spec spec_;
  RandomState random_;
  at::Device device_;
  DcganPlan plan_;
  int64_t batch_, accumulate_, discriminator_updates_;
  std::unique_ptr<Ops> ops_;
  DcganGenerator generator_;
  DcganDiscriminator discriminator_;
  std::unique_ptr<Adam> adam_g_, adam_d_;
  std::unique_ptr<Ema> ema_;
  std::unique_ptr<Graphs> graphs_;
  // Of the last step of each network: sums over its batches, on the device.
  Tensor loss_g_, loss_d_, d_real_, d_fake_;
  // Of a run of several processes.
  Share share_;
  std::unique_ptr<GradientAverage> average_g_, average_d_;
};

}  // namespace

std::unique_ptr<TrainingStep> MakeDcganTrainingStep(const Spec& spec, RandomState& random,
                                                    at::Device device) {
  return std::make_unique<DcganTrainingStep>(spec, random, device);
}

}  // namespace shinsaku
