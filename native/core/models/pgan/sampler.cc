// Samples pictures with a PGAN's generator: one forward pass, at the scale that it has grown to.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include "core/data/pixels.h"
#include "core/models/pgan/kind.h"
#include "core/models/sampler_args.h"
#include "core/nn/pgan.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

// A generator network that samplers share.
struct FixedPgan {
  Spec spec;
  PganPlan plan;
  at::Device device;
  std::unique_ptr<Ops> ops;
  PganGenerator network;
  PganStage stage;
};

// Each picture from its own darkest to its own brightest value, as torchvision's make_grid shows them with
// normalize and scale_each after a clamp.
Tensor Stretched(const Tensor& x) {
  const Tensor clamped = x.clamp(-1.0, 1.0), values = clamped.flatten(1);
  const Tensor low = values.amin({1}).view({-1, 1, 1, 1}), high = values.amax({1}).view({-1, 1, 1, 1});
  return (clamped - low) / (high - low).clamp_min(1e-5) * 2 - 1;
}

class PganSampler : public Sampler {
 public:
  PganSampler(std::shared_ptr<FixedPgan> fixed, const Spec& args, const std::vector<HostTensor>& inputs)
      : fixed_(std::move(fixed)),
        stretch_(Flag(args, "stretch")),
        args_(args, inputs, {fixed_->plan.latent}, true) {
    const PganPlan& plan = fixed_->plan;
    pixels_ = at::zeros({args_.count(), plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (x_.defined()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec);
    const PganPlan& plan = fixed_->plan;
    const Tensor z = at::zeros({args_.rows, plan.latent}, at::kFloat);
    const auto draw = [&](uint64_t seed) { return at::randn({plan.latent}, CpuGenerator(seed), at::kFloat); };
    for (int64_t i = 0; i < args_.count(); ++i) z.select(0, i).copy_(args_.Latent(i, draw));
    const Tensor made = fixed_->network.Forward(*fixed_->ops, z.to(fixed_->device), fixed_->stage);
    x_ = made.narrow(0, 0, args_.count());
    if (made.size(2) != plan.size) {
      const int64_t size[] = {plan.size, plan.size};
      x_ = at::upsample_nearest2d(x_, size);
    }
    pixels_.copy_(ToPixels(stretch_ ? Stretched(x_) : x_, PixelRange::kDcgan));
    return true;
  }

  double Progress() const override { return x_.defined() ? 1 : 0; }

  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

  std::vector<uint8_t> Values() override { return x_.defined() ? BytesOf(x_) : std::vector<uint8_t>(); }

 private:
  std::shared_ptr<FixedPgan> fixed_;
  bool stretch_;
  SamplerArgs args_;
  Tensor x_;       // [count,C,size,size] once it is made
  Tensor pixels_;  // uint8 [count,size,size,C], black before that
};

class PganInferenceModel : public InferenceModel {
 public:
  explicit PganInferenceModel(std::shared_ptr<FixedPgan> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<PganSampler>(fixed_, args, inputs);
  }
  int64_t HostBytes() const override { return HostBytesOf(fixed_->network.set(), *fixed_->ops); }

 private:
  std::shared_ptr<FixedPgan> fixed_;
};

PganGenerator GrownGenerator(const PganPlan& plan, at::Device device) {
  PganGenerator generator(plan, Fill::kEmpty, device, std::nullopt);
  for (int64_t scale = 1; scale <= plan.last_scale(); ++scale) generator.Grow();
  generator.Finish();
  return generator;
}

// What the weights say of themselves. Throws CHECKPOINT_MISMATCH where no network is at such a stage.
PganStage StageOf(const Tensor& saved, const PganPlan& plan) {
  const Tensor host = saved.to(at::kCPU);
  const double scale = host[0].item<double>(), alpha = host[1].item<double>();
  if (!(scale >= 0 && scale <= static_cast<double>(plan.last_scale()) && alpha >= 0 && alpha <= 1))
    throw Failure("CHECKPOINT_MISMATCH", "the tensor \"generator.stage\" is no stage of this network: " +
                                             std::to_string(scale) + ", " + std::to_string(alpha));
  return {static_cast<int64_t>(scale), scale == 0 ? 0 : alpha};
}

}  // namespace

std::unique_ptr<InferenceModel> MakePganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                       at::Device device) {
  const PganPlan plan(spec);
  auto fixed = std::make_shared<FixedPgan>(
      FixedPgan{spec, plan, device, MakeOps(Text(spec, "ops")), GrownGenerator(plan, device), {}});
  CopyAll(fixed->network.set().state(), weights);
  fixed->stage = StageOf(fixed->network.stage(), plan);
  return std::make_unique<PganInferenceModel>(std::move(fixed));
}

}  // namespace shinsaku
