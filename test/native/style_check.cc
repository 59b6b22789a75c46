// First and second derivatives of all that StyleGAN2 differentiates twice, in double, beside central differences; and
// what augmentations do to pictures. One line of JSON a case. Run by test/native/stylegan2-derivatives.test.ts.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "core/models/stylegan2/augmentation.h"
#include "core/nn/stylegan2.h"
#include "check.h"

namespace shinsaku {
namespace {

using Tensors = std::vector<Tensor>;
using Run = std::function<Tensor(const Tensors&)>;

constexpr double kStep = 1e-5;

Tensors Leaves(const Tensors& inputs) {
  Tensors leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.detach().clone().requires_grad_(true));
  return leaves;
}

// The slopes of a number, with their graph.
Tensors Slopes(const Tensor& value, const Tensors& leaves) {
  Tensors slopes = torch::autograd::grad({value}, leaves, {}, true, true, true);
  for (size_t i = 0; i < slopes.size(); ++i)
    if (!slopes[i].defined()) slopes[i] = at::zeros_like(leaves[i]);
  return slopes;
}

double Dot(const Tensors& a, const Tensors& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i].detach() * b[i]).sum().item<double>();
  return sum;
}

// How far the slope of `value` along a random direction is from a central difference.
double Difference(const std::function<Tensor(const Tensors&)>& value, const Tensors& inputs) {
  Tensors along;
  for (const Tensor& x : inputs) along.push_back(Random(x.sizes()).to(at::kDouble));
  const auto moved = [&](double by) {
    Tensors there;
    for (size_t i = 0; i < inputs.size(); ++i) there.push_back(inputs[i] + along[i] * by);
    return value(Leaves(there)).item<double>();
  };
  const Tensors leaves = Leaves(inputs);
  const double slope = Dot(Slopes(value(leaves), leaves), along);
  const double expected = (moved(kStep) - moved(-kStep)) / (2 * kStep);
  return std::abs(slope - expected) / std::max(std::abs(expected), 1e-3);
}

void Check(const std::string& name, Tensors inputs, const Run& run) {
  for (Tensor& x : inputs) x = x.to(at::kDouble);
  Tensor probe;
  {
    const at::NoGradGuard no_grad;
    probe = run(inputs);
  }
  const Tensor seed = Random(probe.sizes()).to(at::kDouble);
  const auto value = [&](const Tensors& t) { return (run(t) * seed).sum(); };
  Report(name + ", first", "error", Difference(value, inputs));
  Tensors directions;
  for (const Tensor& x : inputs) directions.push_back(Random(x.sizes()).to(at::kDouble));
  const auto slope = [&](const Tensors& t) {
    const Tensors slopes = Slopes(value(t), t);
    Tensor sum = at::zeros({}, at::kDouble);
    for (size_t i = 0; i < t.size(); ++i) sum = sum + (slopes[i] * directions[i]).sum();
    // What has no slope of its own, such as a linear operation, still has a graph.
    return sum + (t[0] * 0).sum();
  };
  Report(name + ", second", "error", Difference(slope, inputs));
}

void Operations() {
  Ops ops;
  const Tensor x = Random({3, 4, 5, 6}), filter = Random({4, 4}).to(at::kDouble);
  Check("modulate", {x, Random({3, 4})}, [&](const Tensors& t) { return ops.Modulate(t[0], t[1]); });
  for (const auto& [up, down, before, behind] : std::vector<std::array<int64_t, 4>>{
           {1, 1, 1, 1}, {2, 1, 2, 1}, {1, 2, 1, 1}, {1, 1, 2, 2}})
    Check("resample " + Sizes({up, down, before, behind}), {x}, [&](const Tensors& t) {
      return ops.Resample(t[0].square(), filter, up, down, {before, behind});
    });
  Check("styled activation", {x, Random({3, 4}), Random({3, 1, 5, 6}), Random({}), Random({4})},
        [&](const Tensors& t) { return ops.StyledActivation(t[0], {t[1], t[2], t[3], t[4], 1.5}); });
  Check("styled activation, bias only", {x, Random({4})},
        [&](const Tensors& t) { return ops.StyledActivation(t[0], {{}, {}, {}, t[1], 0.7}); });
}

const Stylegan2Plan kPlan({{"size", 16.0}, {"channels", 3.0}, {"latent", 6.0}, {"channelBase", 64.0},
                           {"channelMax", 8.0}, {"mappingLayers", 2.0}, {"minibatchGroup", 2.0}});

void Double(ParameterSet& set) {
  for (auto& [name, tensor] : set.parameters()) Tensor(tensor).set_data(tensor.to(at::kDouble));
}

void Networks() {
  Ops ops;
  Stylegan2Generator g(kPlan, Fill::kDraw, at::kCPU, generator);
  Stylegan2Discriminator d(kPlan, Fill::kDraw, at::kCPU, generator);
  Double(g.set()), Double(d.set());
  Check("mapping", {Random({3, 6})}, [&](const Tensors& t) { return g.Map(ops, t[0], {}); });
  Tensors maps;
  for (const int64_t side : kPlan.NoiseSides()) maps.push_back(Random({2, 1, side, side}).to(at::kDouble));
  Check("synthesis", {Random({2, kPlan.styles(), 6})},
        [&](const Tensors& t) { return g.Synthesise(ops, t[0], maps); });
  Check("discriminator", {Random({4, 3, 16, 16})}, [&](const Tensors& t) { return d.Forward(ops, t[0], {}, 2); });
}

at::Generator Fresh() { return at::detail::createCPUGenerator(11); }

void Augmentations() {
  const Tensor always = at::ones({1}, at::kDouble), never = at::zeros({1}, at::kDouble);
  const Tensor x = Random({4, 3, 16, 16});
  struct Kind {
    const char* name;
    std::unique_ptr<Augmentation> augmentation;
  };
  Kind kinds[] = {{"diffaugment", MakeDiffAugment()}, {"drawings", MakeAdaptive(false)}, {"published", MakeAdaptive(true)}};
  for (const auto& [name, augmentation] : kinds) {
    const auto apply = [&](const Tensor& pictures, const Tensor& p) { return augmentation->Apply(pictures, Fresh(), p); };
    Check(name, {x}, [&](const Tensors& t) { return apply(t[0].tanh(), always); });
    const double changed = (apply(x, always.to(at::kFloat)) - x).abs().mean().item<double>();
    Report(std::string(name) + ", always", "changed", changed);
    if (std::string(name) == "diffaugment") continue;
    // What is not done changes no more than the filters of the wavelet do.
    const Tensor smooth = at::full({2, 3, 16, 16}, 0.3f);
    Report(std::string(name) + ", never, one colour", "changed",
           (apply(smooth, never.to(at::kFloat)) - smooth).abs().max().item<double>());
    const Tensor ramp = at::arange(16, at::kFloat).div(16).view({1, 1, 1, 16}).expand({2, 3, 16, 16}).contiguous();
    Report(std::string(name) + ", never, a ramp", "changed",
           (apply(ramp, never.to(at::kFloat)) - ramp).slice(3, 4, 12).abs().max().item<double>());
  }
}

// The result of a set and its gradients, for one and the same gradient of the result, beside the reference's in double.
void Beside(const std::string& name, const Tensors& inputs, Ops& ops, bool trains,
            const std::function<Tensor(Ops&, const Tensors&)>& run) {
  const auto found = [&](Ops& set, at::ScalarType type) {
    Tensors leaves;
    for (const Tensor& x : inputs) leaves.push_back(x.to(type).clone().requires_grad_(true));
    const Tensor y = run(set, leaves);
    Tensors all{y.detach()};
    if (!trains) return all;
    at::Generator same = at::detail::createCPUGenerator(5);
    const Tensor seed = at::randn(y.sizes(), same, at::TensorOptions(at::kFloat)).to(type);
    const Tensors slopes = torch::autograd::grad({(y * seed).sum()}, leaves);
    all.insert(all.end(), slopes.begin(), slopes.end());
    return all;
  };
  Ops reference;
  const Tensors expected = found(reference, at::kDouble), own = found(ops, at::kFloat);
  for (size_t i = 0; i < own.size(); ++i)
    Report(name + (i == 0 ? ", result" : ", gradient " + std::to_string(i - 1)), "error",
           (own[i] - expected[i]).norm().item<double>() / expected[i].norm().item<double>());
}

// Kernels of a processor's set, for channels that are whole vectors and that are not.
void Kernels() {
  const Tensor filter = at::outer(at::tensor({1.F, 3.F, 3.F, 1.F}), at::tensor({1.F, 3.F, 3.F, 1.F})) / 64;
  const auto training = MakeTrainingOps(set_name), drawing = MakeOps(set_name);
  for (const bool trains : {true, false})
    for (const int64_t channels : {3, 32}) {
      Ops& ops = trains ? *training : *drawing;
      const std::string of = std::string(trains ? " training " : " drawing ") + std::to_string(channels);
      const Tensor x = Random({2, channels, 7, 10});
      for (const auto& [up, down, before, behind] : std::vector<std::array<int64_t, 4>>{
               {1, 1, 1, 1}, {2, 1, 2, 1}, {1, 2, 1, 1}, {1, 1, 2, 2}})
        Beside("resample " + Sizes({up, down, before, behind}) + of, {x}, ops, trains,
               [&](Ops& set, const Tensors& t) { return set.Resample(t[0], filter, up, down, {before, behind}); });
      for (const int64_t maps : {1, 2})
        Beside("styled activation, noise of " + std::to_string(maps) + of,
               {x, Random({2, channels}), Random({maps, 1, 7, 10}), Random({}), Random({channels})}, ops, trains,
               [](Ops& set, const Tensors& t) { return set.StyledActivation(t[0], {t[1], t[2], t[3], t[4], 1.5}); });
      Beside("styled activation, bias only" + of, {x, Random({channels})}, ops, trains,
             [](Ops& set, const Tensors& t) { return set.StyledActivation(t[0], {{}, {}, {}, t[1], 0.7}); });
    }
  const Tensor x = Random({2, 32, 7, 10}), bias = Random({32});
  Report("styled activation", "refused", IsFirstOrderOnly("the styled activation", {x, bias}, [&](const Tensors& t) {
           return training->StyledActivation(t[0], {{}, {}, {}, t[1], 0.7});
         }));
  // A resampling is linear, so its own second derivative shows behind a square only.
  const auto bent = [&](Ops& set, const Tensors& t) {
    const Tensor y = set.Resample(t[0].square(), filter, 1, 2, {1, 1}).square().sum();
    const Tensor slope = torch::autograd::grad({y}, {t[0]}, {}, true, true)[0];
    return slope.square().sum();
  };
  Beside("resample twice", {x}, *training, true, bent);
}

}  // namespace
}  // namespace shinsaku

int main() {
  using namespace shinsaku;
  set_name = "reference";
  at::set_num_threads(1);
  Operations();
  Networks();
  Augmentations();
  for (const std::string& name : CpuOpsNames()) {
    set_name = name;
    Kernels();
  }
}
