// Draws pictures with a DCGAN's generator: one forward pass for each chunk of seeds.
#include "core/models/dcgan/kind.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/nn/dcgan.h"
#include "core/runtime/device.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"

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
  DcganSampler(std::shared_ptr<FixedGenerator> fixed, const Spec& args)
      : fixed_(std::move(fixed)),
        seeds_(Numbers(args, "seeds")),
        total_(static_cast<int64_t>(seeds_.size())) {
    const bool running = Text(args, "batchNorm") == "running";
    statistics_ = running ? BatchStatistics::kRunning : BatchStatistics::kBatch;
    // Statistics of the batch are those of all pictures together.
    chunk_ = running ? Integer(args, "batch") : total_;
    const DcganPlan& plan = fixed_->plan;
    pixels_ = at::zeros({total_, plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (done_ == total_) return true;
    const at::NoGradGuard no_grad;
    ApplyPrecision(fixed_->spec);
    const DcganPlan& plan = fixed_->plan;
    const int64_t count = std::min(chunk_, total_ - done_);
    // Always the same number of rows: kernels, and with them the last bits, may depend on it.
    const Tensor z = at::zeros({chunk_, plan.latent}, at::kFloat);
    for (int64_t i = 0; i < count; ++i) {
      const auto seed = static_cast<uint64_t>(seeds_[static_cast<size_t>(done_ + i)]);
      z.select(0, i).copy_(DrawLatent(plan, 1, CpuGenerator(seed)).select(0, 0));
    }
    x_ = fixed_->network.Forward(*fixed_->ops, z.to(fixed_->device), statistics_).narrow(0, 0, count);
    pixels_.narrow(0, done_, count).copy_(ToPixels(x_, plan.range()));
    done_ += count;
    return done_ == total_;
  }

  double Progress() const override {
    return total_ == 0 ? 1 : static_cast<double>(done_) / static_cast<double>(total_);
  }

  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

  std::vector<uint8_t> Values() override { return x_.defined() ? BytesOf(x_) : std::vector<uint8_t>(); }

 private:
  std::shared_ptr<FixedGenerator> fixed_;
  std::vector<double> seeds_;
  int64_t total_, chunk_, done_ = 0;
  BatchStatistics statistics_;
  Tensor x_;       // [count,C,H,W] of the newest chunk
  Tensor pixels_;  // uint8 [total,H,W,C], black where nothing is drawn yet
};

class DcganInferenceModel : public InferenceModel {
 public:
  explicit DcganInferenceModel(std::shared_ptr<FixedGenerator> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args) override {
    return std::make_unique<DcganSampler>(fixed_, args);
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
