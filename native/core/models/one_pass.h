// What kinds of model share that make their pictures in one pass of a generator.
#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <memory>
#include <utility>
#include <vector>

#include "core/data/pixels.h"
#include "core/models/sampler_args.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {

// A generator with fixed weights that samplers share.
template <typename Plan, typename Network>
struct FixedGenerator {
  FixedGenerator(const Spec& options, at::Device where, const NamedTensors& weights, Network empty)
      : spec(options),
        plan(options),
        device(where),
        ops(MakeOps(Text(options, "ops"))),
        network(std::move(empty)) {
    CopyAll(network.set().state(), weights);
  }
  Spec spec;
  Plan plan;
  at::Device device;
  std::unique_ptr<Ops> ops;
  Network network;
};

template <typename Fixed>
class OnePassSampler : public Sampler {
 public:
  OnePassSampler(std::shared_ptr<Fixed> fixed, SamplerArgs args, PixelRange range)
      : fixed_(std::move(fixed)), args_(std::move(args)), range_(range) {
    const auto& plan = fixed_->plan;
    pixels_ = at::zeros({args_.count(), plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (x_.defined()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec);
    x_ = Generate().to(at::kFloat).narrow(0, 0, args_.count());
    pixels_.copy_(ToPixels(Shown(x_), range_));
    return true;
  }

  double Progress() const override { return x_.defined() ? 1 : 0; }
  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }
  std::vector<uint8_t> Values() override { return x_.defined() ? BytesOf(x_) : std::vector<uint8_t>(); }

 protected:
  // [args_.rows,C,size,size]; rows beyond the pictures asked for are cut off.
  virtual at::Tensor Generate() = 0;
  // Values that become pixels.
  virtual at::Tensor Shown(const at::Tensor& x) { return x; }

  // A row for each of the batch, [args_.rows,latent] on the device: `z_of` gives that of each picture, the
  // rest is zeros.
  template <typename ZOf>
  at::Tensor Rows(const ZOf& z_of) const {
    const at::Tensor z = at::zeros({args_.rows, fixed_->plan.latent}, at::kFloat);
    for (int64_t i = 0; i < args_.count(); ++i) z.select(0, i).copy_(z_of(i));
    return z.to(fixed_->device);
  }

  std::shared_ptr<Fixed> fixed_;
  SamplerArgs args_;

 private:
  PixelRange range_;
  at::Tensor x_;       // [count,C,size,size] once it is made
  at::Tensor pixels_;  // uint8 [count,size,size,C], black before that
};

template <typename Fixed, typename FixedSampler>
class OnePassModel : public InferenceModel {
 public:
  explicit OnePassModel(std::shared_ptr<Fixed> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<FixedSampler>(fixed_, args, inputs);
  }
  int64_t HostBytes() const override { return HostBytesOf(fixed_->network.set(), *fixed_->ops); }

 private:
  std::shared_ptr<Fixed> fixed_;
};

// A network to describe or to record, which has no values.
template <typename Network, typename Plan>
Network OnMeta(const Plan& plan) {
  return Network(plan, Fill::kMeta, at::kMeta, std::nullopt);
}

// One row of numbers without values: a latent, or labels.
inline at::Tensor MetaRow(int64_t width) {
  return at::empty({1, width}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
}

}  // namespace shinsaku
