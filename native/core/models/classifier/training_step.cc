// Softmax cross-entropy of a classifier, and its update by Adam or by stochastic gradient descent.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/zeros.h>

#include "core/models/classifier/kind.h"
#include "core/nn/classifier.h"
#include "core/optim/adam.h"
#include "core/optim/clip.h"
#include "core/optim/sgd.h"
#include "core/runtime/autocast.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {
namespace {

class ClassifierTrainingStep : public TrainingStep {
 public:
  ClassifierTrainingStep(const Spec& spec, const RandomState& random, at::Device device)
      : spec_(spec),
        device_(device),
        plan_(spec),
        accumulate_(Integer(spec, "accumulate")),
        ops_(MakeTrainingOps(Text(spec, "ops"))),
        network_(plan_, Fill::kDraw, device, random.cpu) {
    network_.set().SetMemoryFormat([&](const Tensor& weight) { return ops_->WeightFormat(weight); });
    const double weight_decay = Number(spec, "weightDecay");
    if (Text(spec, "optimizer") == "sgd") {
      sgd_ = std::make_unique<Sgd>(network_.set().parameters(),
                                   SgdOptions{Number(spec, "momentum"), weight_decay});
    } else {
      const auto& betas = Numbers(spec, "betas");
      adam_ = MakeAdam(spec, network_.set().parameters(), "",
                       {betas.at(0), betas.at(1), 1e-8, weight_decay, AdamOptions::Form::kTorch});
    }
    network_.set().RequireGrad(true);
  }

  DataOrder order() const override { return DataOrder::kEpochs; }

  void Update(DataLoader& loader, Meter& meter) override {
    const double lr = LearningRate(spec_, loader.sampler().images_seen());
    const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device_);
    Tensor loss = at::zeros({}, options), accuracy = at::zeros({}, options);
    for (int64_t i = 0; i < accumulate_; ++i) {
      const Batch batch = loader.Next(ClassifierPlan::range());
      if (!batch.labels.defined())
        throw Failure("NATIVE_FAILED", "a classifier needs a label of each picture");
      // One column for each class; the last one says that it is unknown, which no picture's is.
      const Tensor target = at::argmax(batch.labels.narrow(1, 0, plan_.classes), 1);
      const Tensor logits = Logits(*ops_, network_, batch.x);
      const Tensor part = at::cross_entropy_loss(logits, target).div(accumulate_);
      part.backward();
      loss = loss + part.detach();
      accuracy = accuracy + at::argmax(logits.detach(), 1).eq(target).to(at::kFloat).mean().div(accumulate_);
    }
    Apply(lr);
    meter.Add("loss", loss);
    meter.Add("accuracy", accuracy);
    meter.Add("learningRate", lr);
  }

  int64_t batches() const override { return accumulate_; }

  // Nothing is drawn but the order.
  std::vector<Tensor> Rehearse(BatchSampler& sampler, const RandomState&) const override {
    std::vector<Tensor> indices;
    for (int64_t i = 0; i < batches(); ++i) indices.push_back(sampler.Next().indices);
    return indices;
  }

  void EndAt(int64_t images) override { spec_["maxImages"] = static_cast<double>(images); }

  // A row for each class: the logits of the pictures.
  Tensor Loss(const Tensor& pixels, const Spec&) override {
    Classifier fixed(plan_, Fill::kEmpty, device_, std::nullopt);
    CopyAll(fixed.set().state(), network_.set().state());
    const auto ops = MakeOps(Text(spec_, "samplingOps"));
    const Tensor unmirrored = at::zeros({pixels.size(0)}, pixels.options().dtype(at::kBool));
    return Logits(*ops, fixed, ToFloat(pixels, unmirrored, ClassifierPlan::range())).t();
  }

  const Graphs* graphs() const override { return nullptr; }

  NamedTensors state() override {
    NamedTensors all = network_.set().state();
    for (const auto& entry : adam_ ? adam_->state() : sgd_->state()) all.push_back(entry);
    return all;
  }

  NamedTensors weights(const std::string& which) override {
    if (which == "raw") return network_.set().state();
    throw Failure("CHECKPOINT_MISMATCH", "a classifier keeps no averaged weights; ask for weights \"raw\"");
  }

 private:
  Tensor Logits(Ops& ops, const Classifier& network, const Tensor& x) const {
    const Autocast autocast(spec_, device_);
    return network.Forward(ops, x).to(at::kFloat);
  }

  void Apply(double lr) {
    if (Has(spec_, "clipGradNorm")) ClipGradNorm(network_.set().parameters(), Number(spec_, "clipGradNorm"));
    if (sgd_) {
      sgd_->Apply(lr);
    } else {
      adam_->Begin(lr);
      adam_->Apply();
    }
    for (const auto& [name, tensor] : network_.set().parameters()) tensor.mutable_grad().reset();
  }

  Spec spec_;
  at::Device device_;
  ClassifierPlan plan_;
  int64_t accumulate_;
  std::unique_ptr<Ops> ops_;
  Classifier network_;
  std::unique_ptr<Adam> adam_;  // one of the two
  std::unique_ptr<Sgd> sgd_;
};

}  // namespace

std::unique_ptr<TrainingStep> MakeClassifierTrainingStep(const Spec& spec, RandomState& random,
                                                         at::Device device) {
  return std::make_unique<ClassifierTrainingStep>(spec, random, device);
}

}  // namespace shinsaku
