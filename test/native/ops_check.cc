// Compares each cpu ops set, operation by operation and as whole networks, with the reference set in double.
// One line of JSON a case: { set, name, error }, error the relative 2-norm; and { set, name, same } where bits must
// be equal. Run by test/native/ops.test.ts.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <functional>

#include "core/nn/dcgan.h"
#include "core/nn/unet.h"
#include "core/ops/ops.h"
#include "check.h"

namespace shinsaku {
namespace {

Tensor Double(const Tensor& x) { return x.defined() ? x.to(at::kDouble) : x; }
ConvWeights Double(const ConvWeights& w) { return {Double(w.weight), Double(w.bias)}; }
NormWeights Double(const NormWeights& w) { return {w.kind, Double(w.gain), Double(w.bias)}; }
AttentionWeights Double(AttentionWeights w) {
  w.norm = Double(w.norm), w.out_norm = Double(w.out_norm), w.memory = Double(w.memory);
  w.to_qkv = Double(w.to_qkv), w.to_out = Double(w.to_out);
  return w;
}
BatchNormWeights Double(BatchNormWeights w) {
  w.gain = Double(w.gain), w.bias = Double(w.bias);
  w.running_mean = Double(w.running_mean), w.running_var = Double(w.running_var);
  return w;
}

double Distance(const Tensor& x, const Tensor& truth) {
  TORCH_CHECK(x.sizes() == truth.sizes(), "shapes differ");
  return ((x.to(at::kDouble) - truth).norm() / truth.norm()).item<double>();
}

// `run` with this set and float values, then with the reference and double ones.
class Checker {
 public:
  explicit Checker(const std::string& name) : ops_(MakeOps(name)), truth_(std::make_unique<Ops>()) {}

  template <typename... Values>
  void Check(const std::string& name, const auto& run, const Values&... values) {
    ops_->Begin();
    const Tensor y = run(*ops_, values...);
    Report(name, "error", Distance(y, run(*truth_, Double(values)...)));
    // A second pass reads packed weights and memory that has been used before.
    ops_->Begin();
    Report(name + ", again", "same", at::equal(run(*ops_, values...), y));
  }

  Ops& ops() { return *ops_; }

 private:
  std::unique_ptr<Ops> ops_, truth_;
};

ConvWeights RandomConv(int64_t out, int64_t in, int64_t kernel, bool bias = true) {
  return {Random({out, in, kernel, kernel}, 0.1), bias ? Random({out}) : Tensor()};
}

NormWeights RandomNorm(NormWeights::Kind kind, int64_t channels) {
  if (kind == NormWeights::Kind::kGroup) return {kind, Random({channels}), Random({channels})};
  const std::vector<int64_t> shape{1, channels, 1, 1};
  return {kind, Random(shape), kind == NormWeights::Kind::kLayer ? Random(shape) : Tensor()};
}

void Convolutions(Checker& checker) {
  struct Shape {
    int64_t n, in, out, h, w;
  };
  const auto conv = [](int64_t stride, int64_t padding) {
    return [=](Ops& ops, const Tensor& x, const ConvWeights& w) { return ops.Conv(x, w, stride, padding); };
  };
  for (const auto& [n, in, out, h, w] :
       {Shape{1, 16, 32, 9, 9}, {3, 24, 40, 20, 20}, {2, 8, 8, 33, 24}, {1, 64, 64, 32, 32}, {2, 10, 6, 12, 7},
        {1, 512, 512, 8, 8}, {2, 520, 512, 5, 3}, {1, 3, 5, 1, 1}, {16, 16, 16, 2, 2}}) {
    const std::string shape = Sizes({n, in, out, h, w});
    const Tensor x = Random({n, in, h, w});
    checker.Check("conv 3x3 " + shape, conv(1, 1), x, RandomConv(out, in, 3));
    checker.Check("conv 1x1 " + shape, conv(1, 0), x, RandomConv(out, in, 1, false));
    checker.Check(
        "up " + shape, [](Ops& ops, const Tensor& a, const ConvWeights& c) { return ops.Up(a, c); }, x,
        RandomConv(out, in, 3));
    const Tensor other = Random({n, out, h, w});
    const auto joined = [](int64_t kernel) {
      return [=](Ops& ops, const Tensor& a, const Tensor& b, const ConvWeights& c) {
        return ops.Conv(ops.Concat(a, b), c, 1, kernel / 2);
      };
    };
    for (const int64_t kernel : {1, 3, 7})
      checker.Check("joined conv " + Sizes({kernel, kernel}) + " " + shape, joined(kernel), x, other,
                    RandomConv(out, in + out, kernel));
  }
  for (const int64_t channels : {1, 3, 4, 16}) {
    const Tensor x = Random({2, channels, 20, 26});
    checker.Check("conv 7x7 of " + Sizes({channels}), conv(1, 3), x, RandomConv(24, channels, 7));
    checker.Check(
        "down by 4x4 of " + Sizes({channels}),
        [](Ops& ops, const Tensor& a, const ConvWeights& c) { return ops.Down(a, c, DownKind::kConv4); }, x,
        RandomConv(24, channels, 4));
    checker.Check(
        "down by unshuffling of " + Sizes({channels}),
        [](Ops& ops, const Tensor& a, const ConvWeights& c) { return ops.Down(a, c, DownKind::kUnshuffle); }, x,
        RandomConv(24, 4 * channels, 1));
  }
}

void Norms(Checker& checker) {
  using Kind = NormWeights::Kind;
  for (const Kind kind : {Kind::kGroup, Kind::kLayer, Kind::kRms}) {
    for (const int64_t channels : {8, 24, 64, 256, 512}) {
      const std::string name = "norm " + Sizes({static_cast<int64_t>(kind), channels});
      const Tensor x = Random({3, channels, 9, 36}).add_(2);
      const Tensor film = Random({3, 2 * channels, 1, 1});
      const NormWeights norm = RandomNorm(kind, channels);
      checker.Check(name, [](Ops& ops, const Tensor& a, const NormWeights& w) { return ops.Norm(a, w); }, x, norm);
      const auto modulated = [](Ops& ops, const Tensor& a, const NormWeights& w, const Tensor& f) {
        const auto parts = f.chunk(2, 1);
        return ops.NormFilmSilu(a, w, parts[0], parts[1]);
      };
      checker.Check(name + " FiLM SiLU", modulated, x, norm, film);
      const auto block = [](Ops& ops, const Tensor& a, const ConvWeights& w1, const NormWeights& w, const Tensor& f,
                            const ConvWeights& w2, const ConvWeights& shortcut) {
        const auto parts = f.chunk(2, 1);
        const Tensor h = ops.ConvNormFilmSilu(a, w1, w, parts[0], parts[1]);
        return ops.ConvNormSiluAdd(h, w2, w, {"", a, shortcut});
      };
      const ConvWeights conv1 = RandomConv(channels, channels, 3), conv2 = RandomConv(channels, channels, 3);
      checker.Check(name + " block", block, x, conv1, norm, film, conv2, ConvWeights{});
      checker.Check(name + " block with shortcut", block, x, conv1, norm, film, conv2,
                    RandomConv(channels, channels, 1));
    }
  }
}

void Attentions(Checker& checker) {
  using Kind = NormWeights::Kind;
  for (const bool is_v2 : {true, false})
    for (const bool full : {true, false})
      for (const auto& [n, channels, h, w] :
           {std::array<int64_t, 4>{1, 16, 8, 8}, {3, 40, 9, 20}, {2, 64, 33, 33}, {1, 8, 1, 1}}) {
        const Kind kind = is_v2 ? Kind::kRms : Kind::kLayer;
        AttentionWeights a;
        a.cosine = full && !is_v2;
        a.divide_values = !full && !is_v2;
        a.norm = RandomNorm(kind, channels);
        if (is_v2) a.memory = full ? Random({2, 4, 4, 32}) : Random({2, 4, 32, 4});
        a.to_qkv = Random({384, channels, 1, 1}, 0.2);
        a.to_out = RandomConv(channels, 128, 1);
        if (!full) a.out_norm = RandomNorm(kind, channels);
        const std::string name = std::string(is_v2 ? "is_v2 " : "2022 ") + (full ? "full" : "linear") +
                                 " attention " + Sizes({n, channels, h, w});
        const Tensor x = Random({n, channels, h, w});
        checker.Check(
            name,
            [=](Ops& ops, const Tensor& y, const AttentionWeights& weights) {
              return full ? ops.FullAttention(y, weights) : ops.LinearAttention(y, weights);
            },
            x, a);
      }
}

void Adversarial(Checker& checker) {
  const auto strided = [](int64_t padding) {
    return [=](Ops& ops, const Tensor& x, const ConvWeights& w) { return ops.Conv(x, w, 2, padding); };
  };
  const auto transposed = [](int64_t stride, int64_t padding, int64_t output_padding) {
    return [=](Ops& ops, const Tensor& x, const ConvWeights& w) {
      return ops.ConvTranspose(x, w, stride, padding, output_padding);
    };
  };
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{24, 16}, {16, 3}, {10, 4}, {8, 1}}) {
    const std::string shape = Sizes({in, out});
    const Tensor x = Random({3, in, 6, 9});
    const auto weights = [&](int64_t kernel) {
      return ConvWeights{Random({in, out, kernel, kernel}, 0.1), Random({out})};
    };
    checker.Check("transposed 4x4 " + shape, transposed(2, 1, 0), x, weights(4));
    checker.Check("transposed 5x5 " + shape, transposed(2, 2, 1), x, weights(5));
    const Tensor large = Random({3, in, 12, 18});
    checker.Check("strided 4x4 " + shape, strided(1), large, RandomConv(out, in, 4));
    checker.Check("strided 5x5 " + shape, strided(2), large, RandomConv(out, in, 5, false));
    checker.Check("transposed 4x4 of a pixel " + shape, transposed(1, 0, 0), Random({3, in, 1, 1}), weights(4));
    const auto linear = [](Ops& ops, const Tensor& a, const ConvWeights& w) {
      return ops.Linear(a, {w.weight, w.bias});
    };
    checker.Check("linear " + shape, linear, Random({3, in}), ConvWeights{Random({out, in}), Random({out})});
  }
  for (const auto form : {BatchNormWeights::Form::kTorch, BatchNormWeights::Form::kChainer})
    for (const auto statistics : {BatchStatistics::kBatch, BatchStatistics::kRunning})
      for (const bool dense : {false, true}) {
        BatchNormWeights w;
        w.form = form;
        w.gain = Random({24}), w.bias = Random({24});
        w.running_mean = Random({24}), w.running_var = Random({24}).square_();
        const auto norm = [=](Ops& ops, const Tensor& x, const BatchNormWeights& b) {
          return ops.BatchNorm(x, b, statistics, Activation::kRelu);
        };
        checker.Check("batch norm " + Sizes({static_cast<int64_t>(form), static_cast<int64_t>(statistics), dense}),
                      norm, dense ? Random({5, 24}) : Random({5, 24, 9, 7}), w);
      }
}

// Pictures must not depend on their neighbours or on threads, and passes must not need ever more memory.
void Steady(const std::string& name, const Tensor& input, const std::function<Tensor(const Tensor&)>& run) {
  const int threads = at::get_num_threads();
  const Tensor together = run(input).clone();
  for (int64_t i = 0; i < input.size(0); ++i)
    Report(name + " alone " + std::to_string(i), "same",
           at::equal(run(input.narrow(0, i, 1)).select(0, 0), together.select(0, i)));
  for (const int other : {1, 3}) {
    at::set_num_threads(other);
    Report(name + " on " + std::to_string(other) + " threads", "same", at::equal(run(input), together));
  }
  at::set_num_threads(threads);
  const auto resident = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  for (int i = 0; i < 5; ++i) run(input);
  const long before = resident();
  for (int i = 0; i < 30; ++i) run(input);
  Report(name + " kilobytes of growth", "growth", static_cast<double>(resident() - before));
}

void ToDouble(ParameterSet& set) {
  for (const auto& entry : set.state()) entry.tensor.set_data(entry.tensor.to(at::kDouble));
}

// Other values than a constructor's, whose gains of 1 and biases of 0 would hide what is left out.
void Shake(ParameterSet& set) {
  for (const auto& entry : set.parameters())
    entry.tensor.add_(Random(entry.tensor.sizes(), 0.05).view(entry.tensor.sizes()));
}

// What a set says that it keeps of a generator's weights, beside what the heap holds once it has drawn.
void Kept(const std::string& name, const ParameterSet& set, const std::function<Tensor(Ops&)>& draw) {
  const auto held = [] {
    const auto heap = mallinfo2();
    return static_cast<double>(heap.uordblks + heap.hblkhd);
  };
  const auto ops = MakeOps(set_name);
  double told = 0;
  for (const auto& entry : set.parameters()) told += static_cast<double>(ops->PackedBytes(entry.tensor));
  const double before = held();
  draw(*ops);
  Report(name, "told", told / (held() - before));
}

void Networks(Checker& checker) {
  struct Unets {
    const char* variant;
    double dim;
    std::vector<double> mults;
    double size, channels;
    bool self;
  };
  for (const Unets& u : {Unets{"2.3", 16, {1, 2}, 20, 3, false}, {"0.26", 24, {1, 2, 3}, 24, 1, false},
                         {"0.26", 8, {2}, 9, 3, true}, {"2.3", 10, {1, 3}, 12, 4, true},
                         {"2.3", 32, {1, 2, 4}, 32, 3, false}}) {
    const Spec spec{{"variant", std::string(u.variant)}, {"dim", u.dim},           {"dimMults", u.mults},
                    {"size", u.size},              {"channels", u.channels}, {"selfCondition", u.self}, {"augment", 0.0}};
    const std::string name = std::string("U-Net ") + u.variant + " " +
                             Sizes({static_cast<int64_t>(u.dim), static_cast<int64_t>(u.size)});
    const UnetPlan plan(spec);
    ParameterSet set(Fill::kDraw, at::kCPU, generator);
    const Unet network(plan, set, "");
    Shake(set);
    const Tensor x = Random({3, plan.channels, plan.size, plan.size});
    const Tensor before = u.self ? Random(x.sizes()) : Tensor();
    const auto forward = [&](Ops& ops, const Tensor& pictures) {
      const int64_t n = pictures.size(0);
      const Tensor t = at::full({n}, 7, pictures.options());
      const Tensor condition = u.self ? before.narrow(0, 0, 1).to(pictures.options()).expand_as(pictures) : before;
      return network.Forward(ops, pictures, t, condition);
    };
    Steady(name, x, [&](const Tensor& pictures) { return forward(checker.ops(), pictures); });
    const Tensor y = forward(checker.ops(), x).clone();
    Ops reference;
    Report(name + " from the reference", "error", Distance(y, forward(reference, x).to(at::kDouble)));
    ToDouble(set);
    Report(name, "error", Distance(y, forward(reference, x.to(at::kDouble))));
  }
  // Small pictures, so that next to nothing is kept but weights.
  for (const char* variant : {"2.3", "0.26"}) {
    const UnetPlan plan({{"variant", std::string(variant)}, {"dim", 64.0},           {"dimMults", std::vector<double>{1, 2, 4}},
                         {"size", 8.0},               {"channels", 3.0}, {"selfCondition", false}, {"augment", 0.0}});
    ParameterSet set(Fill::kDraw, at::kCPU, generator);
    const Unet network(plan, set, "");
    const Tensor x = Random({1, 3, 8, 8}), t = at::full({1}, 7, x.options());
    Kept(std::string("U-Net ") + variant, set, [&](Ops& ops) { return network.Forward(ops, x, t, {}); });
  }
  for (const char* variant : {"pytorch", "chainer", "radford"})
    for (const double channels : {1, 3, 4}) {
      const Spec spec{{"variant", std::string(variant)},
                      {"size", channels == 4 ? 96.0 : 32.0},
                      {"channels", channels},
                      {"latent", 20.0},
                      {"width", 12.0}};
      const DcganPlan plan(spec);
      DcganGenerator network(plan, Fill::kDraw, at::kCPU, generator);
      Shake(network.set());
      const Tensor z = Random({3, plan.latent});
      for (const auto statistics : {BatchStatistics::kRunning, BatchStatistics::kBatch}) {
        const bool running = statistics == BatchStatistics::kRunning;
        const std::string name = std::string("DCGAN ") + variant + " " + std::to_string(plan.channels) +
                                 (running ? " running" : " batch");
        const auto forward = [&](Ops& ops, const Tensor& latent) { return network.Forward(ops, latent, {}, statistics); };
        if (running) Steady(name, z, [&](const Tensor& latent) { return forward(checker.ops(), latent); });
        const Tensor y = forward(checker.ops(), z).clone();
        Ops reference;
        Report(name + " from the reference", "error", Distance(y, forward(reference, z).to(at::kDouble)));
        DcganGenerator exact(plan, Fill::kEmpty, at::kCPU, std::nullopt);
        const auto from = network.set().state(), to = exact.set().state();
        for (size_t i = 0; i < from.size(); ++i) to[i].tensor.copy_(from[i].tensor);
        ToDouble(exact.set());
        Report(name, "error", Distance(y, exact.Forward(reference, z.to(at::kDouble), {}, statistics)));
      }
    }
}

}  // namespace
}  // namespace shinsaku

int main() {
  using namespace shinsaku;
  const at::NoGradGuard no_grad;
  at::set_num_threads(2);
  for (const std::string& name : CpuOpsNames()) {
    set_name = name;
    Checker checker(name);
    Convolutions(checker);
    Norms(checker);
    Attentions(checker);
    Adversarial(checker);
    Networks(checker);
  }
}
