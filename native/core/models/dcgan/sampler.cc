// Draws pictures with a DCGAN's generator: one forward pass.
#include "core/models/dcgan/kind.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "core/models/sampler_args.h"
#include "core/nn/dcgan.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

// A generator network that samplers share.
struct FixedGenerator {
  Spec spec;
  DcganPlan plan;
  at::Device device;
  std::unique_ptr<Ops> ops;
  DcganGenerator network;
};

class DcganSampler : public Sampler {
 public:
  DcganSampler(std::shared_ptr<FixedGenerator> fixed, const Spec& args, const std::vector<HostTensor>& inputs)
      : fixed_(std::move(fixed)),
        running_(Text(args, "batchNorm") == "running"),
        // Statistics of the batch are those of all pictures together.
        args_(args, inputs, {fixed_->plan.latent}, running_) {
    const DcganPlan& plan = fixed_->plan;
    pixels_ = at::zeros({args_.count(), plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (x_.defined()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec);
    const DcganPlan& plan = fixed_->plan;
    const Tensor z = at::zeros({args_.rows, plan.latent}, at::kFloat);
    const auto draw = [&](uint64_t seed) { return DrawLatent(plan, 1, CpuGenerator(seed)).select(0, 0); };
    for (int64_t i = 0; i < args_.count(); ++i) z.select(0, i).copy_(args_.Latent(i, draw));
    const auto statistics = running_ ? BatchStatistics::kRunning : BatchStatistics::kBatch;
    x_ = fixed_->network.Forward(*fixed_->ops, z.to(fixed_->device), statistics).narrow(0, 0, args_.count());
    pixels_.copy_(ToPixels(x_, plan.range()));
    return true;
  }

  double Progress() const override { return x_.defined() ? 1 : 0; }

  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

  std::vector<uint8_t> Values() override { return x_.defined() ? BytesOf(x_) : std::vector<uint8_t>(); }

 private:
  std::shared_ptr<FixedGenerator> fixed_;
  bool running_;  // whether norms take the statistics of training, not those of the batch
  SamplerArgs args_;
  Tensor x_;       // [count,C,H,W] once it is made
  Tensor pixels_;  // uint8 [count,H,W,C], black before that
};

class DcganInferenceModel : public InferenceModel {
 public:
  explicit DcganInferenceModel(std::shared_ptr<FixedGenerator> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<DcganSampler>(fixed_, args, inputs);
  }
  int64_t HostBytes() const override { return HostBytesOf(fixed_->network.set(), *fixed_->ops); }

 private:
  std::shared_ptr<FixedGenerator> fixed_;
};

}  // namespace

std::unique_ptr<InferenceModel> MakeDcganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                        at::Device device) {
  const DcganPlan plan(spec);
  auto fixed = std::make_shared<FixedGenerator>(
      FixedGenerator{spec, plan, device, MakeOps(Text(spec, "ops")),
                     DcganGenerator(plan, Fill::kEmpty, device, std::nullopt)});
  CopyAll(fixed->network.set().state(), weights);
  return std::make_unique<DcganInferenceModel>(std::move(fixed));
}

}  // namespace shinsaku
