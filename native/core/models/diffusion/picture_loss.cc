// A denoiser's loss of given pictures.
#include "core/models/diffusion/picture_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/data/pixels.h"
#include "core/models/diffusion/condition.h"
#include "core/models/diffusion/denoiser.h"
#include "core/runtime/autocast.h"
#include "core/runtime/cancel.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

using at::Tensor;

// Noise [N,C,H,W] as training draws it, each picture's from its own stream.
Tensor NoiseOf(const Spec& spec, std::vector<at::Generator>& streams, at::IntArrayRef shape,
               at::Device device) {
  const double strength = Number(spec, "offsetNoise");
  std::vector<Tensor> rows;
  for (auto& stream : streams) {
    Tensor noise = PictureNoise(stream, {shape[1], shape[2], shape[3]}, device);
    if (strength > 0) noise = noise + strength * PictureNoise(stream, {shape[1], 1, 1}, device);
    rows.push_back(noise);
  }
  return at::stack(rows);
}

// Conditions of pictures, each from its own stream; undefined for a network without one.
Tensor GivenOf(const UnetPlan& plan, std::vector<at::Generator>& streams, const Tensor& x0) {
  if (plan.condition.empty()) return {};
  std::vector<Tensor> rows;
  for (size_t i = 0; i < streams.size(); ++i)
    rows.push_back(
        MakeCondition(plan, x0.narrow(0, static_cast<int64_t>(i), 1), DrawCondition(plan, 1, streams[i])));
  return at::cat(rows);
}

// The times that a network has learned.
std::vector<int64_t> LearnedTimes(const Spec& spec, const Schedule& schedule) {
  std::vector<int64_t> times;
  if (Has(spec, "distilSteps")) {
    times = DistilledTimes(schedule.signal, Integer(spec, "distilSteps"));
    times.pop_back();
  } else {
    times.resize(schedule.signal.size());
    std::iota(times.begin(), times.end(), int64_t{0});
  }
  return times;
}

// That of `times` at which log(abar / (1 - abar)) is nearest to `level`.
int64_t TimeOf(const Schedule& schedule, const std::vector<int64_t>& times, double level) {
  const auto distance = [&](int64_t time) {
    const double abar = schedule.signal[static_cast<size_t>(time)];
    return std::abs(std::log(abar / (1 - abar)) - level);
  };
  return *std::min_element(times.begin(), times.end(),
                           [&](int64_t a, int64_t b) { return distance(a) < distance(b); });
}

}  // namespace

Tensor Distance(const Spec& spec, const Tensor& output, const Tensor& target) {
  return Text(spec, "loss") == "l1" ? at::l1_loss(output, target, at::Reduction::None)
                                    : at::mse_loss(output, target, at::Reduction::None);
}

Tensor PictureLoss(const Spec& spec, const NamedTensors& weights, const Tensor& pixels, const Spec& args,
                   at::Device device) {
  // Samples are of unchanged pictures, and so are these.
  Spec plain = spec;
  plain["augment"] = 0.0;
  Denoiser fixed(plain, Fill::kEmpty, device, std::nullopt, MakeOps(Text(spec, "samplingOps")));
  CopyAll(fixed.set().state(), weights);
  const Tensor x0 =
      ToFloat(pixels, at::zeros({pixels.size(0)}, pixels.options().dtype(at::kBool)), PixelRange::kDiffusion);
  std::vector<at::Generator> streams;
  for (const double seed : Numbers(args, "seeds"))
    streams.push_back(CpuGenerator(static_cast<uint64_t>(seed)));
  if (static_cast<int64_t>(streams.size()) != x0.size(0))
    throw Failure("NATIVE_FAILED", "there must be a seed for each of " + std::to_string(x0.size(0)) +
                                       " pictures, but there are " + std::to_string(streams.size()));
  const Schedule& schedule = fixed.schedule();
  const auto times = LearnedTimes(spec, schedule);
  const Tensor given = GivenOf(fixed.plan(), streams, x0);
  std::vector<Tensor> rows;
  for (const double level : Numbers(args, "logSnr")) {
    ThrowIfCancelled();
    const Tensor t =
        at::full({x0.size(0)}, TimeOf(schedule, times, level), at::TensorOptions(at::kLong).device(device));
    const Tensor noise = NoiseOf(spec, streams, x0.sizes(), device);
    const Autocast autocast(spec, device);
    const Tensor output = fixed.Output(fixed.Diffuse(x0, t, noise), t, {}, nullptr, {}, given);
    const Tensor distance = Distance(spec, output, fixed.Target(x0, t, noise));
    rows.push_back(distance.to(at::kFloat).mean({1, 2, 3}) *
                   Schedule::Extract(schedule.loss_weight, t).view({-1}));
  }
  return at::stack(rows);
}

}  // namespace shinsaku
