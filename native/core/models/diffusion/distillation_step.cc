// Progressive distillation: a student learns to do in one step what its teacher does in several, on the
// pictures that the teacher makes (Salimans 2022, 2202.00512).
#include "core/models/diffusion/distillation_step.h"

#include <ATen/TensorOperators.h>

#include "core/models/diffusion/labels.h"
#include "core/models/diffusion/picture_loss.h"
#include "core/models/diffusion/teacher.h"
#include "core/models/diffusion/trajectories.h"
#include "core/optim/adam.h"
#include "core/optim/ema.h"
#include "core/runtime/autocast.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

using at::Tensor;

class DistillationStep : public TrainingStep {
 public:
  DistillationStep(const Spec& spec, const RandomState& random, at::Device device)
      : spec_(spec),
        random_(random),
        device_(device),
        accumulate_(Integer(spec, "accumulate")),
        student_(spec, Fill::kDraw, device, random.cpu, MakeTrainingOps(Text(spec, "ops"))),
        teacher_(spec, device),
        trajectories_(
            Integer(spec, "distilSteps"),
            {Integer(spec, "batch"), student_.plan().channels, student_.plan().size, student_.plan().size},
            student_.plan().labels.width(), device),
        adam_(MakeAdam(spec, student_.set().parameters(), "",
                       {Numbers(spec, "betas").at(0), Numbers(spec, "betas").at(1), 1e-8, 0,
                        AdamOptions::Form::kTorch})) {
    if (Flag(spec, "graph"))
      throw Failure("NATIVE_FAILED", "pictures begin anew when they are finished, so no graph can hold it");
    student_.set().RequireGrad(true);
    if (Has(spec, "emaDecay"))
      ema_ = std::make_unique<Ema>(spec, student_.set(),
                                   student_.plan().is_v2 ? EmaForm::k2023 : EmaForm::k2022);
  }

  DataOrder order() const override { return DataOrder::kEpochs; }

  void Update(DataLoader& loader, Meter& meter) override {
    const double lr = LearningRate(spec_, loader.sampler().images_seen());
    adam_->Begin(lr);
    std::vector<Tensor> losses;
    for (int64_t i = 0; i < accumulate_; ++i) {
      // How many there are, and their labels: the pictures themselves are not looked at.
      const Batch batch = loader.Next(PixelRange::kDiffusion);
      const Tensor loss = Loss(batch) / accumulate_;
      loss.backward();
      losses.push_back(loss.detach());
      if (i + 1 < accumulate_) RunInterruptions();
    }
    meter.AddSum("loss", losses);
    if (Has(spec_, "clipGradNorm")) meter.Add("gradNorm", adam_->Clip(Number(spec_, "clipGradNorm")));
    adam_->Apply();
    adam_->ZeroGrad();
    meter.Add("learningRate", lr);
    if (ema_) ema_->Update();
  }

  int64_t batches() const override { return accumulate_; }

  std::vector<Tensor> Rehearse(BatchSampler& sampler, const RandomState& random) const override {
    at::Generator stream = random.cpu;
    std::vector<Tensor> indices;
    for (int64_t i = 0; i < accumulate_; ++i) {
      indices.push_back(sampler.Next().indices);
      DrawSeed(stream);
    }
    return indices;
  }

  NamedTensors state() override {
    NamedTensors all = student_.set().state();
    const auto append = [&](const NamedTensors& more) { all.insert(all.end(), more.begin(), more.end()); };
    if (ema_) append(ema_->state());
    append(adam_->state());
    append(teacher_.state());
    append(trajectories_.state());
    return all;
  }

  NamedTensors weights(const std::string& which) override {
    if (which == "raw") return student_.set().state();
    if (ema_) return ema_->weights();
    throw Failure("CHECKPOINT_MISMATCH",
                  "this run keeps no averaged weights (emaDecay is null); ask for weights \"raw\"");
  }

  void EndAt(int64_t images) override { spec_["maxImages"] = static_cast<double>(images); }

  Tensor Loss(const Tensor& pixels, const Spec& args) override {
    return PictureLoss(spec_, weights(Text(args, "weights")), pixels, args, device_);
  }

  const Graphs* graphs() const override { return nullptr; }

 private:
  // Squared distance of v, which weighs x0 by 1 + the signal-to-noise ratio of its time.
  Tensor Loss(const Batch& batch) {
    at::Generator noise = CpuGenerator(static_cast<uint64_t>(DrawSeed(random_.cpu)));
    const auto rows =
        trajectories_.Begin(batch.indices.size(0), noise, student_.plan().labels.Checked(batch.labels));
    const auto lesson = teacher_.Teach(rows.x, rows.k, rows.labels);
    trajectories_.Advance(lesson.next);
    const Autocast autocast(spec_, device_);
    const Tensor output = student_.Output(rows.x, lesson.t, {}, nullptr, rows.labels);
    return Distance(spec_, output, lesson.target).mean();
  }

  Spec spec_;
  RandomState random_;
  at::Device device_;
  int64_t accumulate_;
  Denoiser student_;
  Teacher teacher_;
  Trajectories trajectories_;
  std::unique_ptr<Adam> adam_;
  std::unique_ptr<Ema> ema_;
};

}  // namespace

std::unique_ptr<TrainingStep> MakeDistillationStep(const Spec& spec, RandomState& random, at::Device device) {
  if (Text(spec, "objective") != "v" || Flag(spec, "selfCondition") || Number(spec, "augment") > 0)
    throw Failure("NATIVE_FAILED",
                  "a student predicts v, without self-conditioning, and of pictures that are not changed");
  return std::make_unique<DistillationStep>(spec, random, device);
}

}  // namespace shinsaku
