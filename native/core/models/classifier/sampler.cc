// Says what is on pictures with a classifier's fixed weights: one forward pass of all that a call gives.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "core/data/image_set.h"
#include "core/models/classifier/kind.h"
#include "core/nn/classifier.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

// A network that samplers share.
struct FixedClassifier {
  Spec spec;
  ClassifierPlan plan;
  at::Device device;
  std::unique_ptr<Ops> ops;
  Classifier network;
};

class ClassifierSampler : public Sampler {
 public:
  ClassifierSampler(std::shared_ptr<FixedClassifier> fixed, const std::vector<HostTensor>& inputs)
      : fixed_(std::move(fixed)) {
    if (inputs.size() != 1 || inputs[0].name != "picture" || inputs[0].dtype != "U8")
      throw Failure("NATIVE_FAILED", "a classifier takes pictures, and makes none");
    const ClassifierPlan& plan = fixed_->plan;
    pixels_ = FromHost(inputs[0]);
    const std::vector<int64_t> expected{inputs[0].shape.at(0), plan.size, plan.size, plan.channels};
    if (inputs[0].shape != expected || expected[0] < 1)
      throw Failure("SHAPE_INVALID", "the pictures are " + SizesText(inputs[0].shape) +
                                         ", but the network needs " + SizesText(expected));
  }

  bool Step() override {
    if (logits_.defined()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec);
    const Tensor bytes = pixels_.to(fixed_->device);
    const Tensor unmirrored = at::zeros({bytes.size(0)}, bytes.options().dtype(at::kBool));
    const Tensor x = ToFloat(bytes, unmirrored, ClassifierPlan::range());
    logits_ = fixed_->network.Forward(*fixed_->ops, x).to(at::kFloat).to(at::kCPU).contiguous().clone();
    return true;
  }

  double Progress() const override { return logits_.defined() ? 1 : 0; }
  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  std::vector<uint8_t> Values() override {
    return logits_.defined() ? BytesOf(logits_) : std::vector<uint8_t>();
  }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

 private:
  std::shared_ptr<FixedClassifier> fixed_;
  Tensor pixels_;  // uint8 [n,H,W,C]
  Tensor logits_;  // [n,classes] once they are computed
};

class ClassifierInferenceModel : public InferenceModel {
 public:
  explicit ClassifierInferenceModel(std::shared_ptr<FixedClassifier> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec&, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<ClassifierSampler>(fixed_, inputs);
  }
  int64_t HostBytes() const override { return HostBytesOf(fixed_->network.set(), *fixed_->ops); }

 private:
  std::shared_ptr<FixedClassifier> fixed_;
};

}  // namespace

std::unique_ptr<InferenceModel> MakeClassifierInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                             at::Device device) {
  const ClassifierPlan plan(spec);
  auto fixed = std::make_shared<FixedClassifier>(FixedClassifier{
      spec, plan, device, MakeOps(Text(spec, "ops")), Classifier(plan, Fill::kEmpty, device, std::nullopt)});
  CopyAll(fixed->network.set().state(), weights);
  return std::make_unique<ClassifierInferenceModel>(std::move(fixed));
}

}  // namespace shinsaku
