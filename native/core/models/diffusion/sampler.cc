// Draws pictures with a diffusion model: DDPM, DDIM and few-step solvers, one network evaluation at a time.
#include "core/models/diffusion/kind.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <numeric>

#include "core/data/pixels.h"
#include "core/models/diffusion/editing.h"
#include "core/models/diffusion/fixed_denoiser.h"
#include "core/models/diffusion/solver_walk.h"
#include "core/models/sampler_args.h"
#include "core/runtime/cancel.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

using at::Tensor;

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
        args_(args, inputs, PictureShape(), true, {"picture", "input", "keep"}),
        given_(inputs, args_.count(), args_.rows, fixed_->denoiser.plan(), fixed_->device),
        rule_(RuleOf(Text(args, "sampler"))),
        eta_(Number(args, "eta")) {
    const Schedule& s = fixed_->denoiser.schedule();
    timesteps_ = Has(args, "strength") ? StartOf(s, Number(args, "strength")) + 1 : s.timesteps;
    const int64_t steps = rule_ == Rule::kDdpm ? timesteps_ : std::min(timesteps_, Integer(args, "steps"));
    if (Has(fixed_->spec, "distilSteps")) {
      times_ = DistilledWay(args);
    } else if (rule_ == Rule::kSolver) {
      solver_.emplace(SolverOf(Text(args, "sampler")),
                      std::vector<double>{s.signal.begin(), s.signal.begin() + timesteps_}, steps);
      times_ = solver_->times();
      times_.push_back(-1);
    } else {
      times_ = DdimTimes(timesteps_, steps);
    }
    const UnetPlan& plan = fixed_->denoiser.plan();
    if (!plan.condition.empty()) asked_.given = given_.TakeCondition(plan);
    PlanWay(args);
    if (Has(args, "labels")) ReadLabels(args);
    pixels_ = at::zeros({args_.count(), plan.size, plan.size, plan.channels}, at::kByte);
  }

  bool Step() override {
    if (Done()) return true;
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec, fixed_->graphs.get());
    if (step_ == 0) Begin();
    const size_t from = way_[step_], to = way_[step_ + 1];
    x_ = to > from         ? StepDown(from)
         : iterations_ > 0 ? StepUp(times_[from], times_[to])
                           : JumpUp(times_[from], times_[to]);
    step_ += 1;
    Show();
    return Done();
  }

  // Whether the next step is a plain one: down, and asking for nothing but x0. Such steps of several pictures
  // are computed together.
  bool Plain() const {
    return !Done() && way_[step_ + 1] > way_[step_] && !given_.keep.defined() && asked_.nothing();
  }
  // What the network is asked at it: for each row an x_t, its time, and the x0 it may know already.
  struct Question {
    Tensor x, t, condition;
  };
  Question Ask() {
    if (step_ == 0) Begin();
    return {x_.to(at::kFloat), TimesOf(times_[way_[step_]]), x0_};
  }
  // Makes the step with the network's answer, which the next one may overwrite.
  void Take(const Denoiser::Prediction& answer) {
    answer_ = {answer.noise.clone(), answer.x0.clone()};
    x_ = StepDown(way_[step_]);
    step_ += 1;
    Show();
  }
  // Whether x0 is to be clamped, and the noise taken from the clamped one.
  bool clip() const { return rule_ != Rule::kDdpm; }
  int64_t rows() const { return args_.rows; }
  const FixedDenoiser* fixed() const { return fixed_.get(); }

  double Progress() const override {
    return static_cast<double>(step_) / static_cast<double>(way_.size() - 1);
  }

  std::vector<uint8_t> Pixels() override { return BytesOf(pixels_); }
  int64_t HostBytes() const override { return HostBytesOf(pixels_); }

  std::vector<uint8_t> Values() override {
    if (!x_.defined()) return {};
    return BytesOf(x_.narrow(0, 0, args_.count()).to(at::kFloat));
  }

 private:
  // The same for all pictures of a call.
  void ReadLabels(const Spec& args) {
    asked_.labels = fixed_->denoiser.plan().labels.Asked(args, args_.rows, fixed_->device);
    const double scale = Number(args, "guidance");
    if (scale == 1) return;
    const double rescale = Number(args, "guidanceRescale");
    factors_ =
        at::tensor({scale, rescale}, at::kDouble).to(at::TensorOptions(at::kFloat).device(fixed_->device));
    asked_.rescale = rescale > 0;
    asked_.project = Flag(args, "guidanceProjection");
    guided_ = Numbers(args, "guidanceInterval");
  }

  // Kynkaanniemi 2024 (2404.07724): guidance where it says so of the time, from 0, the picture, to 1, noise.
  Direction DirectionAt(int64_t time) const {
    Direction direction = asked_;
    if (!factors_.defined()) return direction;
    const double share =
        static_cast<double>(time) / static_cast<double>(fixed_->denoiser.schedule().timesteps);
    if (share >= guided_.at(0) && share <= guided_.at(1)) direction.factors = factors_;
    return direction;
  }

  // A distilled network knows its own times only.
  std::vector<int64_t> DistilledWay(const Spec& args) const {
    const int64_t steps = Integer(fixed_->spec, "distilSteps");
    if (rule_ != Rule::kDdim || Integer(args, "steps") != steps || eta_ != 0 || given_.x0.defined())
      throw Failure("NATIVE_FAILED", "a model that was distilled to " + std::to_string(steps) +
                                         " steps makes new pictures in these alone, by \"ddim\" with eta 0");
    return DistilledTimes(fixed_->denoiser.schedule().signal, steps);
  }

  // Downwards through the times, with the jumps of RePaint, or, to invert, upwards.
  void PlanWay(const Spec& args) {
    const size_t steps = times_.size() - 1;
    way_.resize(steps + 1);
    std::iota(way_.begin(), way_.end(), size_t{0});
    if (Has(args, "iterations")) {
      iterations_ = Integer(args, "iterations");
      std::reverse(way_.begin(), way_.end());
    } else if (Has(args, "jumpLength")) {
      way_ = RepaintWay(steps, static_cast<size_t>(Integer(args, "jumpLength")),
                        static_cast<size_t>(Integer(args, "resamplings")));
    }
    if ((iterations_ > 0 || given_.keep.defined()) && rule_ != Rule::kDdim)
      throw Failure("NATIVE_FAILED", "only the sampler \"ddim\" inverts and fills");
    const bool needs_picture = iterations_ > 0 || given_.keep.defined() || Has(args, "strength");
    if (needs_picture && !given_.x0.defined())
      throw Failure("NATIVE_FAILED", "the input \"picture\" is missing, which is to be changed");
  }

  bool Done() const { return step_ + 1 == way_.size(); }

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
    if (iterations_ > 0) {
      x_ = given_.x0;
    } else if (given_.x0.defined() && !given_.keep.defined()) {
      x_ = fixed_->denoiser.Diffuse(given_.x0, TimesOf(timesteps_ - 1), x_);
    }
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

  Tensor TimesOf(int64_t time) const {
    return at::full({args_.rows}, time, at::TensorOptions(at::kLong).device(fixed_->device));
  }

  // At x_, or at `x` where it is given.
  Denoiser::Prediction Predict(int64_t time, bool clip, const Tensor& x = {}) {
    const Tensor at_x = (x.defined() ? x : x_).to(at::kFloat);
    auto prediction = answer_ ? *std::exchange(answer_, std::nullopt)
                              : fixed_->Predict(at_x, TimesOf(time), x0_, clip, DirectionAt(time));
    if (fixed_->denoiser.plan().self_condition) x0_ = prediction.x0;
    return prediction;
  }

  Tensor StepDown(size_t from) {
    const int64_t time = times_[from], next = times_[from + 1];
    if (rule_ == Rule::kDdpm) return DdpmStep(time);
    if (rule_ == Rule::kSolver) return solver_->Step(x_, Predict(time, true).x0, from);
    const Tensor x = DdimStep(time, next);
    if (!given_.keep.defined()) return x;
    // Lugmayr 2022 (RePaint, 2201.09865), eq. 8: what is known is put back at the level of noise that is
    // reached.
    const Tensor known = next < 0 ? given_.x0 : fixed_->denoiser.Diffuse(given_.x0, TimesOf(next), Noise());
    return at::where(given_.keep, known, x);
  }

  // RePaint's way back: noise from `time` to the later time `next`, Ho 2020, eq. 2 for several steps at once.
  Tensor JumpUp(int64_t time, int64_t next) {
    const Schedule& s = fixed_->denoiser.schedule();
    const Tensor ratio = s.alphas_cumprod[next] / s.alphas_cumprod[time];
    return ratio.sqrt() * x_ + (1 - ratio).sqrt() * Noise();
  }

  // The x at `next` from which DDIM without noise would come to x_ at `time`, by fixed-point iteration: with
  // the prediction there, of noise or of x0, whichever changes less with x at this level.
  Tensor StepUp(int64_t time, int64_t next) {
    const Schedule& s = fixed_->denoiser.schedule();
    const NoiseLevel low = time < 0 ? NoiseLevel{1, 0} : LevelOf(s.signal[static_cast<size_t>(time)]);
    const NoiseLevel high = LevelOf(s.signal[static_cast<size_t>(next)]);
    Tensor x = x_ * high.alpha;
    for (int64_t i = 0; i < iterations_; ++i) {
      ThrowIfCancelled();
      const auto [noise, x0] = Predict(next, true, x);
      x = low.sigma > low.alpha ? (x_ - x0 * low.alpha) * (high.sigma / low.sigma) + x0 * high.alpha
                                : (x_ - noise * low.sigma) * (high.alpha / low.alpha) + noise * high.sigma;
    }
    return x;
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

  void Show() {
    if (Done()) x_ = given_.Match(fixed_->denoiser.plan(), x_);
    pixels_.copy_(ToPixels(x_.narrow(0, 0, args_.count()), PixelRange::kDiffusion));
    given_.Restore(pixels_);
  }

  std::shared_ptr<FixedDenoiser> fixed_;
  SamplerArgs args_;
  GivenPictures given_;
  Rule rule_;
  double eta_;
  int64_t timesteps_ = 0;       // those that are gone through, of the model's
  std::vector<int64_t> times_;  // descending; the last, -1, is the picture itself
  std::vector<size_t> way_;     // through these times, by index
  int64_t iterations_ = 0;      // of each step upwards; 0 where pictures are not inverted
  Direction asked_;             // without the factors of guidance, which count at some times only
  Tensor factors_;
  std::vector<double> guided_;  // the interval of these times
  std::optional<SolverWalk> solver_;
  std::vector<at::Generator> noise_;            // one for each picture
  std::optional<Denoiser::Prediction> answer_;  // to the next question, where it has been asked already
  Tensor x_, x0_;                               // [rows,C,H,W]; x0_ only for self-conditioning
  size_t step_ = 0;
  Tensor pixels_;  // uint8 [count,H,W,C], black before the first step
};

class DiffusionInferenceModel : public InferenceModel {
 public:
  explicit DiffusionInferenceModel(std::shared_ptr<FixedDenoiser> fixed) : fixed_(std::move(fixed)) {}
  std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) override {
    return std::make_unique<DiffusionSampler>(fixed_, args, inputs);
  }
  std::vector<double> StepTogether(const std::vector<std::shared_ptr<Sampler>>& samplers,
                                   int64_t rows) override {
    // Those that clamp and those that do not are asked separately: it is part of the network's graph.
    std::vector<DiffusionSampler*> plain;
    for (const auto& sampler : samplers) {
      auto* const own = dynamic_cast<DiffusionSampler*>(sampler.get());
      if (!own || own->fixed() != fixed_.get())
        throw Failure("NATIVE_FAILED", "a model steps its own samplers only");
      if (own->Plain())
        plain.push_back(own);
      else
        own->Step();
    }
    for (const bool clip : {false, true}) {
      std::vector<DiffusionSampler*> asking;
      for (auto* own : plain)
        if (own->clip() == clip) asking.push_back(own);
      if (!asking.empty()) Answer(asking, rows, clip);
    }
    std::vector<double> progress;
    for (const auto& sampler : samplers) progress.push_back(sampler->Progress());
    return progress;
  }

  int64_t HostBytes() const override { return HostBytesOf(fixed_->denoiser.set(), fixed_->denoiser.ops()); }

 private:
  // One evaluation of the network for all that ask, always of so many rows: kernels, and with them the last
  // bits of a picture, may depend on their number, but not on what the other rows are.
  void Answer(const std::vector<DiffusionSampler*>& asking, int64_t rows, bool clip) {
    int64_t asked = 0;
    for (const auto* sampler : asking) asked += sampler->rows();
    if (asked > rows)
      throw Failure("NATIVE_FAILED", "a batch of " + std::to_string(rows) + " rows has no room for " +
                                         std::to_string(asked) + " pictures");
    const at::NoGradGuard no_grad;
    const UnitScope scope(fixed_->spec, fixed_->graphs.get());
    const bool conditioned = fixed_->denoiser.plan().self_condition;
    std::vector<Tensor> x, t, condition;
    for (auto* sampler : asking) {
      const auto question = sampler->Ask();
      x.push_back(question.x);
      t.push_back(question.t);
      if (conditioned)
        condition.push_back(question.condition.defined() ? question.condition : at::zeros_like(question.x));
    }
    const auto pad = [&](std::vector<Tensor>& parts) {
      auto shape = parts[0].sizes().vec();
      shape[0] = rows - asked;
      parts.push_back(at::zeros(shape, parts[0].options()));
      return at::cat(parts);
    };
    const auto all =
        fixed_->Predict(pad(x), pad(t), conditioned ? pad(condition) : Tensor(), clip, Direction{});
    int64_t at = 0;
    for (auto* sampler : asking) {
      const auto own = [&](const Tensor& of) { return of.narrow(0, at, sampler->rows()); };
      sampler->Take({own(all.noise), own(all.x0)});
      at += sampler->rows();
    }
  }

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
