// Samples pictures with a PGAN's generator, at the scale that it has grown to.
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_nearest2d.h>

#include "core/models/one_pass.h"
#include "core/models/pgan/kind.h"
#include "core/nn/pgan.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

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

struct FixedPgan : FixedGenerator<PganPlan, PganGenerator> {
  FixedPgan(const Spec& options, at::Device where, const NamedTensors& weights)
      : FixedGenerator(options, where, weights, GrownGenerator(PganPlan(options), where)),
        stage(StageOf(network.stage(), plan)) {}
  PganStage stage;
};

// Each picture from its own darkest to its own brightest value, as torchvision's make_grid shows them with
// normalize and scale_each after a clamp.
Tensor Stretched(const Tensor& x) {
  const Tensor clamped = x.clamp(-1.0, 1.0), values = clamped.flatten(1);
  const Tensor low = values.amin({1}).view({-1, 1, 1, 1}), high = values.amax({1}).view({-1, 1, 1, 1});
  return (clamped - low) / (high - low).clamp_min(1e-5) * 2 - 1;
}

class PganSampler : public OnePassSampler<FixedPgan> {
 public:
  PganSampler(const std::shared_ptr<FixedPgan>& fixed, const Spec& args,
              const std::vector<HostTensor>& inputs)
      : OnePassSampler(fixed, SamplerArgs(args, inputs, {fixed->plan.latent}, true), PixelRange::kDcgan),
        stretch_(Flag(args, "stretch")) {}

 private:
  Tensor Generate() override {
    const PganPlan& plan = fixed_->plan;
    const auto draw = [&](uint64_t seed) { return at::randn({plan.latent}, CpuGenerator(seed), at::kFloat); };
    const Tensor z = Rows([&](int64_t i) { return args_.Latent(i, draw); });
    const Tensor made = fixed_->network.Forward(*fixed_->ops, z, fixed_->stage);
    const int64_t size[] = {plan.size, plan.size};
    return made.size(2) == plan.size ? made : at::upsample_nearest2d(made, size);
  }

  Tensor Shown(const Tensor& x) override { return stretch_ ? Stretched(x) : x; }

  bool stretch_;
};

}  // namespace

std::unique_ptr<InferenceModel> MakePganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                       at::Device device) {
  return std::make_unique<OnePassModel<FixedPgan, PganSampler>>(
      std::make_shared<FixedPgan>(spec, device, weights));
}

}  // namespace shinsaku
