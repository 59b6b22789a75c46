// Compares what each cpu set gives when it trains, forward and every gradient, with the reference set in double.
// One line of JSON a case, as ops_check.cc writes them. Run by test/native/train.test.ts.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <malloc.h>

#include <cmath>
#include <cstdio>
#include <functional>

#include "core/nn/dcgan.h"
#include "core/nn/unet.h"
#include "core/ops/cpu/train/functions.h"
#include "core/ops/ops.h"
#include "check.h"

namespace shinsaku {
namespace {

using Tensors = std::vector<Tensor>;
// From inputs, which all get gradients, to one result.
using Run = std::function<Tensor(Ops&, const Tensors&)>;

// Relative to the length of the truth, or to `least` where that is longer.
double Distance(const Tensor& x, const Tensor& truth, double least = 1e-9) {
  TORCH_CHECK(x.sizes() == truth.sizes(), "shapes differ");
  return (x.to(at::kDouble) - truth).norm().item<double>() / std::max(truth.norm().item<double>(), least);
}

// The result, then the gradient of each input, for a random gradient of the result.
Tensors Gradients(Ops& ops, const Run& run, const Tensors& inputs, const Tensor& seed) {
  Tensors leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.detach().clone().requires_grad_(true));
  ops.Begin();
  const Tensor y = run(ops, leaves);
  y.backward(seed.to(y.scalar_type()).view(y.sizes()));
  Tensors all{y.detach()};
  for (const Tensor& leaf : leaves) all.push_back(leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf));
  return all;
}

struct Checker {
  std::unique_ptr<Ops> ops = MakeTrainingOps(set_name), truth = std::make_unique<Ops>();

  void Check(const std::string& name, const Tensors& inputs, const Run& run) {
    Tensors doubles;
    for (const Tensor& x : inputs) doubles.push_back(x.to(at::kDouble));
    Tensor probe;
    {
      const at::NoGradGuard no_grad;
      probe = run(*truth, doubles);
    }
    const Tensor seed = Random(probe.sizes());
    const Tensors expected = Gradients(*truth, run, doubles, seed);
    for (const int threads : {2, 1}) {
      at::set_num_threads(threads);
      const Tensors found = Gradients(*ops, run, inputs, seed);
      const std::string on = name + " on " + std::to_string(threads);
      for (size_t i = 0; i < found.size(); ++i)
        Report(on + (i == 0 ? ", result" : ", gradient " + std::to_string(i - 1)), "error",
               Distance(found[i], expected[i]));
      const Tensors again = Gradients(*ops, run, inputs, seed);
      for (size_t i = 0; i < found.size(); ++i)
        Report(on + ", again " + std::to_string(i), "same", at::equal(found[i], again[i]));
    }
    at::set_num_threads(2);
  }
};

void Convolutions(Checker& checker) {
  struct Shape {
    int64_t n, in, out, h, w;
  };
  for (const auto& [n, in, out, h, w] :
       {Shape{1, 16, 32, 9, 9}, {3, 48, 16, 20, 20}, {2, 8, 24, 33, 24}, {4, 64, 64, 64, 64}, {2, 10, 6, 12, 7},
        {1, 256, 272, 8, 8}, {3, 144, 128, 5, 3}, {1, 16, 16, 1, 1}, {16, 16, 16, 2, 2}}) {
    const std::string shape = Sizes({n, in, out, h, w});
    const Tensor x = Random({n, in, h, w});
    checker.Check("conv 3x3 " + shape, {x, Random({out, in, 3, 3}, 0.1), Random({out})},
                  [](Ops& ops, const Tensors& t) { return ops.Conv(t[0], {t[1], t[2]}, 1, 1); });
    checker.Check("conv 1x1 " + shape, {x, Random({out, in, 1, 1}, 0.1)},
                  [](Ops& ops, const Tensors& t) { return ops.Conv(t[0], {t[1], {}}, 1, 0); });
    checker.Check("conv 1x1 with bias " + shape, {x, Random({out, in, 1, 1}, 0.1), Random({out})},
                  [](Ops& ops, const Tensors& t) { return ops.Conv(t[0], {t[1], t[2]}, 1, 0); });
    checker.Check("up " + shape, {x, Random({out, in, 3, 3}, 0.1), Random({out})},
                  [](Ops& ops, const Tensors& t) { return ops.Up(t[0], {t[1], t[2]}); });
    checker.Check("joined " + shape, {x, Random({n, out, h, w}), Random({out, in + out, 3, 3}, 0.1)},
                  [](Ops& ops, const Tensors& t) { return ops.Conv(ops.Concat(t[0], t[1]), {t[2], {}}, 1, 1); });
  }
  for (const int64_t channels : {3, 16}) {
    const Tensor x = Random({2, channels, 20, 26});
    checker.Check("conv 7x7 of " + Sizes({channels}), {x, Random({16, channels, 7, 7}, 0.1), Random({16})},
                  [](Ops& ops, const Tensors& t) { return ops.Conv(t[0], {t[1], t[2]}, 1, 3); });
    checker.Check("down by 4x4 of " + Sizes({channels}), {x, Random({16, channels, 4, 4}, 0.1), Random({16})},
                  [](Ops& ops, const Tensors& t) { return ops.Down(t[0], {t[1], t[2]}, DownKind::kConv4); });
    checker.Check("down by unshuffling of " + Sizes({channels}),
                  {x, Random({16, 4 * channels, 1, 1}, 0.1), Random({16})},
                  [](Ops& ops, const Tensors& t) { return ops.Down(t[0], {t[1], t[2]}, DownKind::kUnshuffle); });
  }
}

void Norms(Checker& checker) {
  using Kind = NormWeights::Kind;
  for (const Kind kind : {Kind::kGroup, Kind::kLayer, Kind::kRms})
    for (const int64_t channels : {8, 32, 64}) {
      const std::string name = "norm " + Sizes({static_cast<int64_t>(kind), channels});
      const bool group = kind == Kind::kGroup, bias = kind != Kind::kRms;
      const std::vector<int64_t> shape = group ? std::vector<int64_t>{channels} : std::vector<int64_t>{1, channels, 1, 1};
      const auto norm = [=](const Tensors& t) { return NormWeights{kind, t[1], bias ? t[2] : Tensor()}; };
      const Tensors inputs{Random({3, channels, 9, 20}).add_(2), Random(shape), Random(shape),
                           Random({3, 2 * channels, 1, 1}), Random({channels, channels, 3, 3}, 0.1),
                           Random({channels, channels, 1, 1}, 0.1)};
      checker.Check(name, inputs, [=](Ops& ops, const Tensors& t) { return ops.Norm(t[0], norm(t)); });
      checker.Check(name + " FiLM SiLU", inputs, [=](Ops& ops, const Tensors& t) {
        const auto film = t[3].chunk(2, 1);
        return ops.NormFilmSilu(t[0], norm(t), film[0], film[1]);
      });
      for (const bool shortcut : {false, true})
        checker.Check(name + (shortcut ? " block with shortcut" : " block"), inputs, [=](Ops& ops, const Tensors& t) {
          const auto film = t[3].chunk(2, 1);
          const Tensor h = ops.ConvNormFilmSilu(t[0], {t[4], {}}, norm(t), film[0], film[1]);
          return ops.ConvNormSiluAdd(h, {t[4], {}}, norm(t), {"", t[0], {shortcut ? t[5] : Tensor(), {}}});
        });
    }
}

void Attentions(Checker& checker) {
  using Kind = NormWeights::Kind;
  for (const bool is_v2 : {true, false})
    for (const bool full : {true, false})
      for (const auto& [n, channels, h, w] :
           {std::array<int64_t, 4>{1, 16, 8, 8}, {3, 40, 9, 20}, {2, 64, 33, 33}, {1, 16, 1, 1}}) {
        if (full && h == 33) continue;
        const std::vector<int64_t> shape{1, channels, 1, 1};
        const Tensor memory = full ? Random({2, 4, 4, 32}) : Random({2, 4, 32, 4});
        const Tensors inputs{Random({n, channels, h, w}), Random(shape), Random(shape), memory,
                             Random({384, channels, 1, 1}, 0.2), Random({channels, 128, 1, 1}, 0.1),
                             Random({channels}), Random(shape), Random(shape)};
        const auto weights = [=](const Tensors& t) {
          AttentionWeights a;
          a.cosine = full && !is_v2;
          a.divide_values = !full && !is_v2;
          const Kind kind = is_v2 ? Kind::kRms : Kind::kLayer;
          a.norm = {kind, t[1], is_v2 ? Tensor() : t[2]};
          if (is_v2) a.memory = t[3];
          a.to_qkv = t[4];
          a.to_out = {t[5], t[6]};
          if (!full) a.out_norm = {kind, t[7], is_v2 ? Tensor() : t[8]};
          return a;
        };
        const std::string name = std::string(is_v2 ? "is_v2 " : "2022 ") + (full ? "full" : "linear") +
                                 " attention " + Sizes({n, channels, h, w});
        checker.Check(name, inputs, [=](Ops& ops, const Tensors& t) {
          return full ? ops.FullAttention(t[0], weights(t)) : ops.LinearAttention(t[0], weights(t));
        });
      }
}

void Adversarial(Checker& checker) {
  for (const auto form : {BatchNormWeights::Form::kTorch, BatchNormWeights::Form::kChainer})
    for (const bool dense : {false, true})
      checker.Check("batch norm " + Sizes({static_cast<int64_t>(form), dense}),
                    {dense ? Random({5, 32}) : Random({5, 32, 9, 7}), Random({32}), Random({32})},
                    [=](Ops& ops, const Tensors& t) {
                      BatchNormWeights w;
                      w.form = form;
                      w.gain = t[1], w.bias = t[2];
                      w.running_mean = at::zeros_like(t[1].detach());
                      w.running_var = at::zeros_like(t[1].detach());
                      const Tensor y = ops.BatchNorm(t[0], w, BatchStatistics::kTrain, Activation::kRelu);
                      // The running statistics stand beside the result, to be compared as well.
                      return y + w.running_mean.sum() + w.running_var.sum();
                    });
  // Whole panels or not, in pieces and phases of every kind, few tiles and many.
  struct Shape {
    int64_t n, small, large, h, w;
  };
  for (const auto& [n, small, large, h, w] :
       {Shape{3, 16, 32, 6, 10}, {2, 32, 64, 8, 8}, {1, 192, 160, 4, 4}, {20, 64, 32, 12, 8}, {2, 272, 288, 4, 6},
        {3, 32, 24, 6, 4}, {2, 32, 32, 5, 5}, {2, 32, 32, 2, 2}})
    for (const int64_t kernel : {4, 5}) {
      const std::string shape = Sizes({kernel, n, small, large, h, w});
      const int64_t padding = kernel / 2 - (kernel == 4), extra = kernel - 4;
      checker.Check("transposed " + shape,
                    {Random({n, small, h, w}), Random({small, large, kernel, kernel}, 0.1), Random({large})},
                    [=](Ops& ops, const Tensors& t) {
                      return ops.ConvTranspose(t[0], {t[1], t[2]}, 2, padding, extra);
                    });
      checker.Check("strided " + shape,
                    {Random({n, large, 2 * h, 2 * w}), Random({small, large, kernel, kernel}, 0.1)},
                    [=](Ops& ops, const Tensors& t) { return ops.Conv(t[0], {t[1], {}}, 2, padding); });
      checker.Check("strided with bias " + shape,
                    {Random({n, large, 2 * h, 2 * w}), Random({small, large, kernel, kernel}, 0.1), Random({small})},
                    [=](Ops& ops, const Tensors& t) { return ops.Conv(t[0], {t[1], t[2]}, 2, padding); });
    }
}

// Each function with a backward of our own refuses to be differentiated twice.
void SecondOrder() {
  cpu::Context cx(*cpu::KernelsNamed(set_name));
  const auto refuse = [&](const std::string& operation, const Tensors& inputs,
                          const std::function<Tensor(const Tensors&)>& run) {
    Report(operation, "refused", IsFirstOrderOnly(operation, inputs, run));
  };
  const Tensor x = Random({2, 32, 12, 20}), y = Random({2, 32, 12, 20});
  const auto weight = [](int64_t kernel) { return Random({32, 32, kernel, kernel}, 0.1); };
  const auto gain = Random({1, 32, 1, 1});
  refuse("the 3x3 convolution", {x, weight(3)},
         [&](const Tensors& t) { return cpu::TrainConv3x3(cx, t[0], {t[1], {}}, false); });
  refuse("the convolution of stride 2", {x, weight(4)}, [&](const Tensors& t) {
    return cpu::TrainPhased(cx, t[0], {t[1], {}}, *cpu::PhasesOfConv(4, 2, 1, 12, 20));
  });
  refuse("the 1x1 convolution", {x, weight(1)},
         [&](const Tensors& t) { return cpu::TrainPointwise(cx, t[0], {t[1], {}}); });
  refuse("the concatenation", {x, y}, [&](const Tensors& t) { return cpu::TrainJoin(t[0], t[1]); });
  refuse("the norm", {x, gain}, [&](const Tensors& t) {
    return cpu::TrainNorm(cx, t[0], {NormWeights::Kind::kRms, t[1], {}}, {});
  });
  refuse("linear attention", {x, Random({384, 32, 1, 1}, 0.2)}, [&](const Tensors& t) {
    AttentionWeights w;
    w.to_qkv = t[1];
    return cpu::TrainLinearAttention(cx, t[0], w);
  });
}

// A network, whose parameters stay where they are: they are doubles for one side and floats for the other.
void Networked(Checker& checker, const std::string& name, const ParameterSet& set, const Tensor& x,
               const std::function<Tensor(Ops&, const Tensor&)>& forward) {
  const auto& parameters = set.parameters();
  Tensors values{x};
  // Other values than a constructor's, whose gains of 1 and biases of 0 would hide what is left out.
  for (const auto& entry : parameters)
    values.push_back(entry.tensor + Random(entry.tensor.sizes(), 0.05).view(entry.tensor.sizes()));
  const auto gradients = [&](Ops& ops, at::ScalarType type, const Tensor& seed) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      const Tensor& parameter = parameters[i].tensor;
      parameter.mutable_grad().reset();
      parameter.set_data(values[i + 1].to(type).contiguous(ops.WeightFormat(parameter)));
      parameter.requires_grad_(true);
    }
    const Tensor input = x.detach().to(type, false, true).requires_grad_(true);
    const Tensor y = forward(ops, input);
    y.backward(seed.defined() ? seed.to(type) : at::zeros_like(y));
    Tensors all{y.detach(), input.grad()};
    for (const auto& entry : parameters) all.push_back(entry.tensor.grad());
    return all;
  };
  const Tensor seed = Random(gradients(*checker.truth, at::kDouble, {})[0].sizes());
  const Tensors expected = gradients(*checker.truth, at::kDouble, seed);
  double longest = 0;
  for (size_t i = 1; i < expected.size(); ++i)
    longest = std::max(longest, expected[i].norm().item<double>());
  // Some gradients are sums of much that cancels, such as that of a bias before a norm, which is none.
  const double least = longest / 100;
  for (const int threads : {2, 1}) {
    at::set_num_threads(threads);
    const Tensors found = gradients(*checker.ops, at::kFloat, seed), again = gradients(*checker.ops, at::kFloat, seed);
    for (size_t i = 0; i < found.size(); ++i) {
      const std::string which = name + " on " + std::to_string(threads) + ", " +
                                (i < 2 ? std::to_string(i) : parameters[i - 2].name);
      Report(which, "error", Distance(found[i], expected[i], i == 0 ? 0 : least));
      Report(which, "same", at::equal(found[i], again[i]));
    }
  }
  at::set_num_threads(2);
}

void Networks(Checker& checker) {
  struct Unets {
    const char* variant;
    double dim;
    std::vector<double> mults;
    double size, channels;
    bool self;
    int64_t batch;
  };
  for (const Unets& u : {Unets{"2.3", 16, {1, 2}, 20, 3, false, 1}, {"0.26", 16, {1, 2, 3}, 24, 1, false, 3},
                         {"0.26", 8, {2}, 9, 3, true, 2}, {"2.3", 24, {1, 3}, 12, 4, true, 16},
                         {"2.3", 32, {1, 2, 4}, 32, 3, false, 2}}) {
    const Spec spec{{"variant", std::string(u.variant)}, {"dim", u.dim},           {"dimMults", u.mults},
                    {"size", u.size},              {"channels", u.channels}, {"selfCondition", u.self}, {"augment", 0.0}};
    const UnetPlan plan(spec);
    ParameterSet set(Fill::kDraw, at::kCPU, generator);
    const Unet network(plan, set, "");
    Networked(checker, "U-Net " + Sizes({plan.is_v2, static_cast<int64_t>(u.dim), plan.size, u.batch}), set,
              Random({u.batch, plan.channels, plan.size, plan.size}), [&](Ops& ops, const Tensor& x) {
                const Tensor t = at::full({u.batch}, 7, x.options().requires_grad(false));
                return network.Forward(ops, x, t, u.self ? x * 0.5 : Tensor());
              });
  }
}

// What a walk on the meta device says that autograd keeps, beside what the heap holds after a forward pass.
void Saved(const std::string& name, const std::function<Tensor(Ops&, Fill, at::Device, int64_t)>& forward) {
  Recorder recorder;
  Ops described(&recorder), reference;
  {
    const at::NoGradGuard no_grad;
    forward(described, Fill::kMeta, at::kMeta, 1);
  }
  Report(name, "told", static_cast<double>(recorder.saved_bytes()) /
                           forward(reference, Fill::kDraw, at::kCPU, 2).item<double>());
}

double HeldBytes() {
  const auto heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

// The bytes that the graph of `run` holds for each of two pictures.
Tensor HeldBy(const std::function<Tensor()>& run) {
  run();  // once before, for what libraries keep
  const double before = HeldBytes();
  const Tensor y = run();
  return at::full({}, (HeldBytes() - before) / 2);
}

void Activations() {
  set_name = "reference";
  for (const char* variant : {"2.3", "0.26"}) {
    const UnetPlan plan({{"variant", std::string(variant)}, {"dim", 32.0}, {"dimMults", std::vector<double>{1, 2}},
                         {"size", 32.0}, {"channels", 3.0}, {"selfCondition", false}, {"augment", 0.0}});
    Saved(std::string("U-Net ") + variant, [&](Ops& ops, Fill fill, at::Device device, int64_t count) {
      ParameterSet set(fill, device, generator);
      const Unet network(plan, set, "");
      const auto options = at::TensorOptions(at::kFloat).device(device);
      const Tensor x = at::empty({count, 3, 32, 32}, options).zero_(), t = at::full({count}, 7, options.dtype(at::kLong));
      if (fill == Fill::kMeta) return network.Forward(ops, x, t, {});
      set.RequireGrad(true);
      return HeldBy([&] { return network.Forward(ops, x, t, {}); });
    });
  }
  for (const char* variant : {"pytorch", "chainer", "radford"}) {
    const DcganPlan plan({{"variant", std::string(variant)}, {"size", 64.0}, {"channels", 3.0}, {"latent", 100.0},
                          {"width", 64.0}});
    Saved(std::string("DCGAN ") + variant, [&](Ops& ops, Fill fill, at::Device device, int64_t count) {
      DcganGenerator network(plan, fill, device, generator);
      DcganDiscriminator discriminator(plan, fill, device, generator);
      const Tensor z = at::empty({count, plan.latent}, at::TensorOptions(at::kFloat).device(device)).zero_();
      const auto statistics = fill == Fill::kMeta ? BatchStatistics::kRunning : BatchStatistics::kTrain;
      const auto run = [&] { return discriminator.Forward(ops, network.Forward(ops, z, {}, statistics), {}, statistics); };
      if (fill == Fill::kMeta) return run();
      network.set().RequireGrad(true), discriminator.set().RequireGrad(true);
      return HeldBy(run);
    });
  }
}

}  // namespace
}  // namespace shinsaku

int main() {
  using namespace shinsaku;
  at::set_num_threads(2);
  Activations();
  for (const std::string& name : CpuOpsNames()) {
    set_name = name;
    Checker checker;
    Convolutions(checker);
    Norms(checker);
    Attentions(checker);
    Adversarial(checker);
    SecondOrder();
    Networks(checker);
  }
}
