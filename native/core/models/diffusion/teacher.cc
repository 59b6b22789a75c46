// The model that a few-step student learns from.
#include "core/models/diffusion/teacher.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "core/runtime/autocast.h"
#include "core/runtime/random.h"
#include "core/state_names.h"

namespace shinsaku {
namespace {

using at::Tensor;

Spec TeacherSpec(Spec spec) {
  spec["dim"] = Number(spec, "teacherDim");
  spec["objective"] = Text(spec, "teacherObjective");
  spec["augment"] = 0.0;
  return spec;
}

}  // namespace

Teacher::Teacher(const Spec& spec, at::Device device)
    : device_(device),
      spec_(TeacherSpec(spec)),
      // Drawn, so that it can be computed with before weights are loaded, such as in a trial of backends.
      denoiser_(spec_, Fill::kDraw, device, CpuGenerator(0), MakeOps(Text(spec, "samplingOps"))),
      times_(DistilledTimes(denoiser_.schedule().signal, Integer(spec, "teacherSteps"))),
      ratio_(Integer(spec, "teacherSteps") / Integer(spec, "distilSteps")) {
  if (ratio_ < 2 || Integer(spec, "teacherSteps") % Integer(spec, "distilSteps") != 0)
    throw Failure("NATIVE_FAILED", "a teacher takes 2 or more steps for each of its student's");
}

NamedTensors Teacher::state() {
  NamedTensors all;
  for (const auto& [name, tensor] : denoiser_.set().parameters())
    all.push_back({state_names::kTeacher + name, tensor});
  return all;
}

Teacher::Levels Teacher::LevelsOf(const std::vector<int64_t>& times) const {
  std::vector<double> alphas, sigmas;
  for (const int64_t time : times) {
    const double abar = time < 0 ? 1 : denoiser_.schedule().signal[static_cast<size_t>(time)];
    alphas.push_back(std::sqrt(abar));
    sigmas.push_back(std::sqrt(1 - abar));
  }
  const auto column = [&](const std::vector<double>& values) {
    return at::tensor(values, at::kDouble).to(at::kFloat).to(device_).view({-1, 1, 1, 1});
  };
  return {column(alphas), column(sigmas)};
}

Teacher::Lesson Teacher::Teach(const Tensor& x, const Tensor& k, const Tensor& labels) const {
  const at::NoGradGuard no_grad;
  const auto* steps = k.const_data_ptr<int64_t>();
  const auto times_after = [&](int64_t own_steps) {
    std::vector<int64_t> times;
    for (int64_t row = 0; row < k.numel(); ++row)
      times.push_back(times_.at(static_cast<size_t>(steps[row] * ratio_ + own_steps)));
    return times;
  };
  const auto tensor_of = [&](const std::vector<int64_t>& times) {
    return at::tensor(times, at::kLong).to(device_);
  };
  const Tensor t = tensor_of(times_after(0));
  const Levels first = LevelsOf(times_after(0));
  Tensor z = x;
  Levels here = first;
  for (int64_t step = 0; step < ratio_; ++step) {
    const Tensor time = tensor_of(times_after(step));
    const Autocast autocast(spec_, device_);
    const Tensor output = denoiser_.Output(z, time, {}, nullptr, labels);
    const Tensor x0 = denoiser_.FromOutput(output.to(at::kFloat), z, time, true).x0;
    // DDIM without noise of its own, as a combination of x and the clamped x0.
    const Levels next = LevelsOf(times_after(step + 1));
    const Tensor ratio = next.sigma / here.sigma;
    z = ratio * z + (next.alpha - ratio * here.alpha) * x0;
    here = next;
  }
  const Tensor ratio = here.sigma / first.sigma;
  // The x0 whose one step ends at z: a mean of those above, so it stays in [-1,1] as they do.
  const Tensor x0 = (z - ratio * x) / (here.alpha - ratio * first.alpha);
  return {t, (first.alpha * x - x0) / first.sigma, z};
}

}  // namespace shinsaku
