// Checks what training on few pictures is made of: augmentation against its labels, targets of noisy pictures against
// their equations. One line of JSON a case. Run by test/native/few.test.ts.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <numbers>

#include "check.h"
#include "core/models/diffusion/ambient.h"
#include "core/models/diffusion/augment.h"
#include "core/nn/unet.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

using at::Tensor;

constexpr int64_t kSide = 32;

// A smooth picture, as a function of coordinates from -1 to 1.
double Picture(double u, double v) { return 0.6 * std::sin(2 * u + 0.5) * std::cos(1.5 * v) + 0.2 * u - 0.1 * v; }

double Coordinate(int64_t i) { return (2.0 * static_cast<double>(i) + 1) / kSide - 1; }

Tensor Drawn(int64_t count) {
  const Tensor x = at::empty({count, 1, kSide, kSide}, at::kFloat);
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.data_ptr<float>()[i] =
        static_cast<float>(Picture(Coordinate(i % kSide), Coordinate(i / kSide % kSide)));
  }
  return x;
}

// Where the labels say that a point of the changed picture was before: each change undone, the last one first.
struct Point {
  double u, v;
};
Point Before(Point p, const float* label) {
  const double scale = std::exp2(0.2 * label[2]);
  const double angle = std::atan2(label[4], label[3] + 1);
  const double stretch = std::exp2(0.2 * std::hypot(label[5], label[6]));
  const double along = std::atan2(label[6], label[5]) / 2;
  const auto turned = [](Point q, double by) {
    return Point{std::cos(by) * q.u + std::sin(by) * q.v, -std::sin(by) * q.u + std::cos(by) * q.v};
  };
  p = {p.u - 2 * 0.125 * label[7], p.v - 2 * 0.125 * label[8]};
  p = turned(p, along);
  p = {p.u / stretch, p.v * stretch};
  p = turned(p, -along);
  p = turned(p, angle);
  return {p.u / scale * (label[0] > 0 ? -1 : 1), p.v / scale * (label[1] > 0 ? -1 : 1)};
}

// Greatest difference of a changed picture to what its labels say, over points that lie well inside of it.
double Error(const Augmented& augmented) {
  double worst = 0;
  for (int64_t n = 0; n < augmented.x.size(0); ++n) {
    const float* label = augmented.labels.const_data_ptr<float>() + n * kAugmentLabels;
    for (int64_t i = 0; i < kSide * kSide; ++i) {
      const auto [u, v] = Before({Coordinate(i % kSide), Coordinate(i / kSide)}, label);
      if (std::max(std::abs(u), std::abs(v)) > 0.9) continue;
      const double value = augmented.x.const_data_ptr<float>()[n * kSide * kSide + i];
      worst = std::max(worst, std::abs(value - Picture(u, v)));
    }
  }
  return worst;
}

void CheckAugment() {
  const Tensor x = Drawn(64);
  const Augmented none = Augment(x, 0, true, CpuGenerator(1), {}, x.size(0));
  Report("augment: none", "error", at::equal(none.x, x) && !none.labels.any().item<bool>() ? 0 : 1);
  const Augmented some = Augment(x, 0.2, true, CpuGenerator(1), {}, x.size(0));
  const Tensor same = (some.x == x).flatten(1).all(1), unlabelled = (some.labels == 0).all(1);
  Report("augment: labels tell which are changed", "error", at::equal(same, unlabelled) ? 0 : 1);
  Report("augment: changed", "share", 1 - unlabelled.to(at::kFloat).mean().item<double>());
  Report("augment: all at once", "error", Error(Augment(x, 1, true, CpuGenerator(2), {}, x.size(0))));
  Report("augment: some", "error", Error(some));
  Report("augment: mirrored", "share",
         Augment(x, 1, true, CpuGenerator(3), {}, x.size(0)).labels.select(1, 0).mean().item<double>());
  Report("augment: not mirrored", "share",
         Augment(x, 1, false, CpuGenerator(3), {}, x.size(0)).labels.select(1, 0).mean().item<double>());
}

double Largest(const Tensor& x) { return x.to(at::kDouble).abs().max().item<double>(); }

void CheckAmbient() {
  ParameterSet set(Fill::kEmpty, at::kCPU, std::nullopt);
  const Schedule schedule({{"variant", std::string("2.3")}, {"schedule", std::string("cosine")}, {"timesteps", 100.0}, {"objective", std::string("v")},
                           {"lossWeight", std::string("none")}, {"p2Gamma", 1.0}, {"p2K", 1.0}, {"minSnrGamma", 5.0}},
                          set);
  constexpr double kSigma = 0.5;
  const Tensor x0 = Random({100, 1, 4, 4}), noise = Random({100, 1, 4, 4}), fixed = Random({100, 1, 4, 4});
  const Tensor t = at::arange(100, at::kLong);
  const AmbientBatch batch = MakeAmbient(schedule, x0, t, noise, fixed, kSigma);
  const Tensor signal = Schedule::Extract(schedule.sqrt_alphas_cumprod, t).to(at::kDouble);
  const Tensor spread = Schedule::Extract(schedule.sqrt_one_minus_alphas_cumprod, t).to(at::kDouble);
  const Tensor sigma = spread / signal, above = sigma > 1.01 * kSigma;
  const auto where = [&](const Tensor& condition, const Tensor& x) { return (x * condition).to(at::kDouble); };
  // What network and loss take for granted, at any noise.
  Report("ambient: x_t of x0 and noise", "error", Largest(batch.x - (signal * batch.x0 + spread * batch.noise)));
  Report("ambient: as usual below", "error",
         Largest(where(~above, batch.x0 - x0)) + Largest(where(~above, batch.noise - noise)) +
             Largest(where(~above, batch.weight.view({-1, 1, 1, 1}) - 1)));
  // Above, the estimate that the target gives of the noisy picture is that picture.
  const Tensor r = kSigma * kSigma / (sigma * sigma), y = x0 + kSigma * fixed;
  const Tensor estimate = r * batch.x / signal + (1 - r) * batch.x0;
  Report("ambient: E[y | x_t] above", "error", Largest(where(above, (estimate - y) / sigma)));
  Report("ambient: noise of x_t above", "error",
         Largest(where(above, (batch.x / signal - y - at::sqrt(at::clamp(sigma * sigma - kSigma * kSigma, 0)) * noise) /
                                  sigma)));
  Report("ambient: weight", "error",
         Largest(where(above, batch.weight.view({-1, 1, 1, 1}) - (1 - r) * (1 - r))));
  Report("ambient: above", "share", above.to(at::kFloat).mean().item<double>());
}

void CheckFixedNoise() {
  const Tensor indices = at::tensor({3, 1, 3}, at::kLong), mirrored = at::tensor({0, 0, 1}, at::kInt).to(at::kBool);
  const Tensor noise = FixedNoise(9, indices, mirrored, {2, 4, 4}, at::kCPU);
  Report("fixed noise: turned with its picture", "error", Largest(noise[2] - at::flip(noise[0], {2})));
  Report("fixed noise: the same in another batch", "error",
         Largest(FixedNoise(9, indices.slice(0, 1, 2), mirrored.slice(0, 1, 2), {2, 4, 4}, at::kCPU)[0] - noise[1]));
  Report("fixed noise: of another picture", "share", Largest(noise[0] - noise[1]));
  Report("fixed noise: of another seed", "share",
         Largest(FixedNoise(8, indices, mirrored, {2, 4, 4}, at::kCPU) - noise));
}

}  // namespace
}  // namespace shinsaku

int main() {
  const at::NoGradGuard no_grad;
  shinsaku::set_name = "reference";
  shinsaku::CheckAugment();
  shinsaku::CheckAmbient();
  shinsaku::CheckFixedNoise();
}
