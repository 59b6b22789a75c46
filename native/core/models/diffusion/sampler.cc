// Draws pictures with a diffusion model: DDPM, DDIM and few-step solvers, one network evaluation at a time.
#include "core/models/diffusion/kind.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <deque>
#include <map>

#include "core/data/pixels.h"
#include "core/models/diffusion/denoiser.h"
#include "core/models/diffusion/solver.h"
#include "core/models/sampler_args.h"
#include "core/runtime/autocast.h"
#include "core/runtime/graphs.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

using at::Tensor;

// A denoiser that samplers share.
struct FixedDenoiser {
  Spec spec;
  at::Device device;
  Denoiser denoiser;
  std::unique_ptr<Graphs> graphs;                 // those that replay its predictions; null where none do
  std::map<int64_t, std::vector<Tensor>> inputs;  // of the graphs by batch: x, t and the condition

  Denoiser::Prediction Predict(const Tensor& x, const Tensor& t, const Tensor& condition, bool clip) {
    const auto predict = [&](const Tensor& x_now, const Tensor& t_now, const Tensor& condition_now) {
      const Autocast autocast(spec, device);
      return denoiser.Predict(x_now, t_now, condition_now, clip);
    };
    if (!graphs) return predict(x, t, condition);
    auto& fixed = inputs[x.size(0)];
    if (fixed.empty()) fixed = {at::empty_like(x), at::empty_like(t), at::empty_like(x)};
    fixed[0].copy_(x);
    fixed[1].copy_(t);
    if (condition.defined()) fixed[2].copy_(condition);
    const std::vector<Tensor> results =
        graphs->Run({x.size(0), clip ? 1 : 0, condition.defined() ? 1 : 0}, [&] {
          const auto prediction = predict(fixed[0], fixed[1], condition.defined() ? fixed[2] : Tensor());
          return std::vector<Tensor>{prediction.noise, prediction.x0};
        });
    return {results[0], results[1]};
  }
};

// Samplers of many steps, each with a rule of its own; all others are solvers.
enum class Rule { kDdpm, kDdim, kSolver };

Rule RuleOf(const std::string& sampler) {
  if (sampler == "ddpm") return Rule::kDdpm;
  return sampler == "ddim" ? Rule::kDdim : Rule::kSolver;
}

class DiffusionSampler : public Sampler {
 public:
  DiffusionSampler(std::shared_ptr<FixedDenoiser> fixed, const Spec& args,
                   const std::vector<HostTensor>& inputs)
      : fixed_(std::move(fixed)),
        args_(args, inputs, PictureShape(), true),
        rule_(RuleOf(Text(args, "sampler"))),
        eta_(Number(args, "eta")) {
    const Schedule& s = fixed_->denoiser.schedule();
    const int64_t steps = rule_ == Rule::kDdpm ? s.timesteps : Integer(args, "steps");
    if (rule_ == Rule::kSolver) {
      const Solver solver = SolverOf(Text(args, "sampler"));
      integrates_noise_ = IntegratesNoise(solver);
      plan_ = PlanSolver(solver, s.signal, steps);
      times_ = plan_.times;
      times_.push_back(-1);
    } else {
      times_ = DdimTimes(s.timesteps, steps);
    }
    const UnetPlan& plan = fixed_->denoiser.plan();
    pixels_ = at::zeros({args_.count(), plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (Done()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec, fixed_->graphs.get());
    if (step_ == 0) Begin();
    const int64_t time = times_[step_], next = times_[step_ + 1];
    x_ = rule_ == Rule::kDdpm   ? DdpmStep(time)
         : rule_ == Rule::kDdim ? DdimStep(time, next)
                                : SolverStepAt(time, step_);
    step_ += 1;
    Show();
    return Done();
  }

  double Progress() const override {
    return static_cast<double>(step_) / static_cast<double>(times_.size() - 1);
  }

  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

  std::vector<uint8_t> Values() override {
    if (!x_.defined()) return {};
    return BytesOf(x_.narrow(0, 0, args_.count()).to(at::kFloat));
  }

 private:
  bool Done() const { return step_ + 1 == times_.size(); }

  std::vector<int64_t> PictureShape() const {
    const UnetPlan& plan = fixed_->denoiser.plan();
    return {plan.channels, plan.size, plan.size};
  }

  void Begin() {
    noise_.clear();
    for (const uint64_t seed : args_.seeds) noise_.push_back(CpuGenerator(seed));
    x_ = Noise();
    const auto draw = [&](uint64_t seed) {
      at::Generator picture = CpuGenerator(seed);
      return PictureNoise(picture, PictureShape(), at::kCPU);
    };
    // A picture of its own seed has it from its stream already.
    if (args_.latents.defined() || !args_.to_seeds.empty())
      for (int64_t i = 0; i < args_.count(); ++i) x_.select(0, i).copy_(args_.Latent(i, draw));
    // Solvers multiply differences of predictions by large numbers where there is almost only noise.
    if (rule_ == Rule::kSolver) x_ = x_.to(at::kDouble);
  }

  // Noise of each picture from its own stream. Rows beyond the last picture keep the batch's size.
  Tensor Noise() {
    std::vector<int64_t> shape = PictureShape();
    shape.insert(shape.begin(), 1);
    std::vector<Tensor> rows;
    for (auto& picture : noise_) rows.push_back(PictureNoise(picture, shape, fixed_->device)[0]);
    while (static_cast<int64_t>(rows.size()) < args_.rows) rows.push_back(at::zeros_like(rows[0]));
    return at::stack(rows);  // [rows,C,H,W]
  }

  Denoiser::Prediction Predict(int64_t time, bool clip) {
    const Tensor t = at::full({args_.rows}, time, at::TensorOptions(at::kLong).device(fixed_->device));
    auto prediction = fixed_->Predict(x_.to(at::kFloat), t, x0_, clip);
    if (fixed_->denoiser.plan().self_condition) x0_ = prediction.x0;
    return prediction;
  }

  // Ho 2020, algorithm 2, with x0 clamped to [-1,1].
  Tensor DdpmStep(int64_t time) {
    const Schedule& s = fixed_->denoiser.schedule();
    const Tensor x0 = Predict(time, false).x0.clamp_(-1.0, 1.0);
    const Tensor mean = s.posterior_mean_coef1[time] * x0 + s.posterior_mean_coef2[time] * x_;
    if (time == 0) return mean;
    return mean + (0.5 * s.posterior_log_variance_clipped[time]).exp() * Noise();
  }

  // Song 2021, eq. 12, with x0 clamped to [-1,1] and the noise taken from the clamped one.
  Tensor DdimStep(int64_t time, int64_t next) {
    const auto [noise, x0] = Predict(time, true);
    if (next < 0) return x0;
    const Schedule& s = fixed_->denoiser.schedule();
    const Tensor abar = s.alphas_cumprod[time], abar_next = s.alphas_cumprod[next];
    const Tensor sigma = eta_ * ((1 - abar / abar_next) * (1 - abar_next) / (1 - abar)).sqrt();
    const Tensor c = (1 - abar_next - sigma.pow(2)).sqrt();
    return x0 * abar_next.sqrt() + c * noise + sigma * Noise();
  }

  // The combinations of core/models/diffusion/solver.h, with x0 clamped to [-1,1] and the noise taken from
  // the clamped one.
  Tensor SolverStepAt(int64_t time, size_t index) {
    const Tensor x0 = Predict(time, true).x0.to(at::kDouble);
    if (index == 0) x_ = x_ * plan_.start.x + x0 * plan_.start.model[0];
    const NoiseLevel& level = plan_.levels[index];
    predictions_.push_front(integrates_noise_ ? (x_ - x0 * level.alpha) / level.sigma : x0);
    if (predictions_.size() > kSolverHistory) predictions_.pop_back();
    const SolverStep& step = plan_.steps[index];
    base_ = step.correct ? Combine(base_, *step.correct) : x_;
    return Combine(base_, step.predict);
  }

  Tensor Combine(const Tensor& x, const Combination& combination) const {
    Tensor sum = x * combination.x;
    for (size_t k = 0; k < combination.model.size(); ++k) {
      sum.add_(predictions_[k], combination.model[k]);
    }
    return sum;
  }

  void Show() { pixels_.copy_(ToPixels(x_.narrow(0, 0, args_.count()), PixelRange::kDiffusion)); }

  std::shared_ptr<FixedDenoiser> fixed_;
  SamplerArgs args_;
  Rule rule_;
  double eta_;
  std::vector<int64_t> times_;  // descending; the last, -1, is the picture itself
  SolverPlan plan_;             // of a solver
  bool integrates_noise_ = false;
  std::vector<at::Generator> noise_;  // one for each picture
  Tensor x_, x0_;                     // [rows,C,H,W]; x0_ only for self-conditioning
  Tensor base_;                       // a solver's x before its newest step
  std::deque<Tensor> predictions_;    // a solver's, newest first
  size_t step_ = 0;
  Tensor pixels_;  // uint8 [count,H,W,C], black before the first step
};

class DiffusionInferenceModel : public InferenceModel {
 public:
  explicit DiffusionInferenceModel(std::shared_ptr<FixedDenoiser> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<DiffusionSampler>(fixed_, args, inputs);
  }
  int64_t HostBytes() const override { return HostBytesOf(fixed_->denoiser.set(), fixed_->denoiser.ops()); }

 private:
  std::shared_ptr<FixedDenoiser> fixed_;
};

}  // namespace

std::unique_ptr<InferenceModel> MakeDiffusionInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                            at::Device device) {
  // No picture that is sampled was changed, and what says so is 0.
  Spec plain = spec;
  plain["augment"] = 0.0;
  auto fixed = std::make_shared<FixedDenoiser>(
      FixedDenoiser{plain,
                    device,
                    Denoiser(plain, Fill::kEmpty, device, std::nullopt, MakeOps(Text(spec, "ops"))),
                    nullptr,
                    {}});
  // Predictions draw nothing; a recording takes a generator all the same.
  if (Flag(spec, "graph"))
    fixed->graphs = std::make_unique<Graphs>(device, SeedRandomState(0, device).device);
  CopyAll(fixed->denoiser.set().state(), weights);
  return std::make_unique<DiffusionInferenceModel>(std::move(fixed));
}

}  // namespace shinsaku
