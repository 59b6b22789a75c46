// Compares the kernels of native/cuda, run on the CPU, with the equations in double; and autograd's use of them, as a
// plugin, with the reference set's. Prints one line of JSON for each case: its name and the greatest relative error.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>

#include "check.h"
#include "core/ops/cuda/cuda_ops.h"
#include "core/ops/cuda/linear_attention.h"
#include "core/ops/cuda/norm.h"
#include "cuda/plugin.h"
#include "cuda_emulation.h"
#include "cuda_group_check.h"

#include "cuda/norm.cuh"

namespace {

// The equations at the head of norm.cuh and their derivatives, in double.
Expected Exact(const Problem& p) {
  const size_t c = static_cast<size_t>(p.channels), rows = static_cast<size_t>(p.images * p.pixels);
  Expected e(p);
  for (size_t row = 0; row < rows; ++row) {
    const size_t image = row / static_cast<size_t>(p.pixels), base = row * c;
    double sum = 0, dot = 0;
    Doubles v(c);
    for (size_t i = 0; i < c; ++i) {
      v[i] = double{p.x[base + i]} + (p.bias ? double{p.offset[i]} : 0);
      sum += v[i] * v[i];
    }
    const double length = std::max(std::sqrt(sum), 1e-12), r = std::sqrt(static_cast<double>(c)) / length;
    Doubles direct(c);
    for (size_t i = 0; i < c; ++i) {
      const double factor = p.film ? 1 + double{p.scale[image * c + i]} : 1, h = v[i] * r;
      const double t = h * p.gain[i] * factor + (p.film ? double{p.shift[image * c + i]} : 0);
      const double s = 1 / (1 + std::exp(-t));
      e.y[base + i] = (p.silu ? t * s : t) + (p.residual ? double{p.skip[base + i]} : 0);
      const double dt = p.silu ? p.dy[base + i] * s * (1 + t * (1 - s)) : double{p.dy[base + i]};
      e.dshift[image * c + i] += dt;
      e.dscale[image * c + i] += dt * h * p.gain[i];
      e.dgain[i] += dt * factor * h;
      direct[i] = dt * factor * p.gain[i] * r;
      dot += direct[i] * v[i];
    }
    for (size_t i = 0; i < c; ++i) {
      e.dx[base + i] = direct[i] - v[i] * dot / (length * length);
      e.dbias[i] += e.dx[base + i];
    }
  }
  return e;
}

template <typename T, int PAIRS, bool SILU>
void Run(const std::string& name, Problem p) {
  p.Draw(0);
  const auto c = static_cast<size_t>(p.channels), images = static_cast<size_t>(p.images);
  const size_t rows = images * static_cast<size_t>(p.pixels);
  const auto x = Rounded<T>(p.x), skip = Rounded<T>(p.skip), dy = Rounded<T>(p.dy);
  const Expected expected = Exact(p);

  const NormIn<T> in{x.data(),
                     p.bias ? p.offset.data() : nullptr,
                     p.gain.data(),
                     nullptr,
                     p.film ? p.scale.data() : nullptr,
                     p.film ? p.shift.data() : nullptr};
  std::vector<T> y(rows * c), dx(rows * c);
  std::vector<float> root(rows);
  const NormShape shape{p.images, p.pixels};
  Launch({static_cast<unsigned>((rows + kNormWarps - 1) / kNormWarps), 1}, kNormThreads, [&] {
    NormForwardKernel<T, PAIRS, SILU>(in, p.residual ? skip.data() : nullptr, y.data(), root.data(), shape);
  });
  Print(name, "y", Error(y, expected.y));

  const unsigned blocks = 3;
  std::vector<float> partial(images * blocks * kSums * c), dbias(c), dgain(c), dscale(images * c), dshift(images * c);
  Launch({blocks, static_cast<unsigned>(p.images)}, kNormThreads, [&] {
    NormBackwardKernel<T, PAIRS, SILU>(in, dy.data(), root.data(), dx.data(), partial.data(), shape);
  });
  Launch({static_cast<unsigned>(p.channels / kLanes), p.bias ? 2U : 1U}, kNormThreads, [&] {
    NormReduceAllKernel(partial.data(), dgain.data(), dbias.data(), p.images * static_cast<int>(blocks), p.channels);
  });
  Print(name, "dx", Error(dx, expected.dx));
  Print(name, "dgain", Error(dgain, expected.dgain));
  if (p.bias) Print(name, "dbias", Error(dbias, expected.dbias));
  if (!p.film) return;
  Launch({static_cast<unsigned>((p.channels + 127) / 128), static_cast<unsigned>(p.images)}, 128, [&] {
    NormReduceFilmKernel(partial.data(), dscale.data(), dshift.data(), static_cast<int>(blocks), p.channels);
  });
  Print(name, "dscale", Error(dscale, expected.dscale));
  Print(name, "dshift", Error(dshift, expected.dshift));
}

template <typename T>
void RunAll(const std::string& type) {
  // 27 pixels leave blocks and the last warps partly without work.
  Run<T, 1, true>(type + " 64 bias film silu", {2, 27, 64, true, true, true, false});
  Run<T, 2, true>(type + " 128 bias silu residual", {1, 9, 128, true, false, true, true});
  Run<T, 4, false>(type + " 256 plain", {2, 5, 256, false, false, false, false});
  Run<T, 8, true>(type + " 512 film silu residual", {1, 11, 512, false, true, true, true});
  Run<T, 16, false>(type + " 1024 bias film", {2, 3, 1024, true, true, false, false});
}

constexpr int64_t kPluginChannels = 64;
constexpr unsigned kPluginBlocks = 2;

template <typename T, bool SILU>
void PluginForward(const NormCall& call) {
  const auto in = In<T>(call);
  const NormShape shape{static_cast<int>(call.images), static_cast<int>(call.pixels)};
  const auto rows = static_cast<unsigned>(call.images * call.pixels);
  Launch({(rows + kNormWarps - 1) / kNormWarps, 1}, kNormThreads, [&] {
    NormForwardKernel<T, 1, SILU>(in, static_cast<const T*>(call.residual), static_cast<T*>(call.y), call.root, shape);
  });
}

template <typename T, bool SILU>
void PluginBackward(const NormCall& call) {
  const auto in = In<T>(call);
  const NormShape shape{static_cast<int>(call.images), static_cast<int>(call.pixels)};
  const auto images = static_cast<unsigned>(call.images);
  const int channels = static_cast<int>(kPluginChannels);
  Launch({kPluginBlocks, images}, kNormThreads, [&] {
    NormBackwardKernel<T, 1, SILU>(in, static_cast<const T*>(call.dy), call.root, static_cast<T*>(call.dx), call.partial,
                                   shape);
  });
  Launch({2, call.dbias ? 2U : 1U}, kNormThreads, [&] {
    NormReduceAllKernel(call.partial, call.dgain, call.dbias, static_cast<int>(images * kPluginBlocks), channels);
  });
  if (!call.dscale) return;
  Launch({1, images}, 128, [&] {
    NormReduceFilmKernel(call.partial, call.dscale, call.dshift, static_cast<int>(kPluginBlocks), channels);
  });
}

CudaPlugin EmulatedPlugin() {
  CudaPlugin plugin{};
  plugin.norm_has = [](int64_t, int64_t channels) { return channels == kPluginChannels; };
  plugin.norm_partials = [](int64_t groups, int64_t images, int64_t, int64_t channels) {
    if (groups > 0) return GroupPartials(images, channels, kPluginBlocks);
    return images * static_cast<int64_t>(kPluginBlocks) * kSums * channels;
  };
  plugin.norm_forward = [](const NormCall& call) {
    if (call.groups > 0) return GroupForwardOf<1>(call, kPluginBlocks);
    if (call.half) return call.silu ? PluginForward<Half, true>(call) : PluginForward<Half, false>(call);
    return call.silu ? PluginForward<float, true>(call) : PluginForward<float, false>(call);
  };
  plugin.norm_backward = [](const NormCall& call) {
    if (call.groups > 0) return GroupBackwardOf<1>(call, kPluginBlocks);
    if (call.half) return call.silu ? PluginBackward<Half, true>(call) : PluginBackward<Half, false>(call);
    return call.silu ? PluginBackward<float, true>(call) : PluginBackward<float, false>(call);
  };
  return plugin;
}

using Leaves = std::vector<at::Tensor>;

// The sum of `operation` over copies of `leaves`, weighted, and the gradients of these copies.
Leaves Gradients(const Leaves& leaves, at::ScalarType type,
                 const std::function<at::Tensor(Ops& ops, const Leaves& leaves)>& operation, Ops& ops) {
  Leaves copies;
  for (const auto& leaf : leaves) copies.push_back(leaf.to(type).clone().detach().requires_grad_(true));
  const at::Tensor y = operation(ops, copies);
  (y * at::arange(y.numel(), y.options().dtype(at::kFloat)).view(y.sizes()).sin().to(y.scalar_type())).sum().backward();
  Leaves all{y.detach()};
  for (const auto& copy : copies) all.push_back(copy.grad());
  return all;
}

void CompareOperation(const std::string& name, const Leaves& leaves,
                      const std::function<at::Tensor(Ops& ops, const Leaves& leaves)>& operation) {
  CudaOps cuda;
  Ops reference;
  const Leaves found = Gradients(leaves, at::kFloat, operation, cuda);
  const Leaves expected = Gradients(leaves, at::kDouble, operation, reference);
  for (size_t i = 0; i < found.size(); ++i) {
    const at::Tensor apart = found[i].to(at::kDouble) - expected[i];
    Print(name, i == 0 ? "y" : "gradient " + std::to_string(i),
          (apart.norm() / expected[i].norm()).item<double>());
  }
}

// Leaves: x, gain, then what an operation takes besides.
void CompareOperations() {
  const auto draw = [](at::IntArrayRef shape) { return at::randn(shape); };
  const at::Tensor x = draw({2, kPluginChannels, 3, 5}), gain = draw({1, kPluginChannels, 1, 1});
  const at::Tensor scale = draw({2, kPluginChannels, 1, 1}), shift = draw({2, kPluginChannels, 1, 1});
  const at::Tensor weight = draw({kPluginChannels, kPluginChannels, 3, 3}) / 24, bias = draw({kPluginChannels});
  const at::Tensor skip = draw({kPluginChannels, kPluginChannels, 1, 1}) / 8, beta = draw({kPluginChannels});
  const auto rms = [](const Leaves& l) { return NormWeights{NormWeights::Kind::kRms, l[1], {}}; };
  const auto group = [](const Leaves& l) { return NormWeights{NormWeights::Kind::kGroup, l[1], l[2]}; };
  const auto compare = [&](const std::string& suffix, const Leaves& first, const auto& norm) {
    const size_t n = first.size();  // of the leaves before an operation's own
    const auto with = [&](Leaves more) {
      more.insert(more.begin(), first.begin(), first.end());
      return more;
    };
    CompareOperation("Norm" + suffix, first, [&](Ops& ops, const Leaves& l) { return ops.Norm(l[0], norm(l)); });
    CompareOperation("NormFilmSilu" + suffix, with({scale, shift}), [&](Ops& ops, const Leaves& l) {
      return ops.NormFilmSilu(l[0], norm(l), l[n], l[n + 1]);
    });
    CompareOperation("NormFilmSilu" + suffix + " without film", first, [&](Ops& ops, const Leaves& l) {
      return ops.NormFilmSilu(l[0], norm(l), {}, {});
    });
    CompareOperation("ConvNormSiluAdd" + suffix, with({weight, bias}), [&](Ops& ops, const Leaves& l) {
      return ops.ConvNormSiluAdd(l[0], {l[n], l[n + 1]}, norm(l), {"", l[0], {}});
    });
    CompareOperation("ConvNormFilmSilu" + suffix, with({weight, bias, scale, shift}), [&](Ops& ops, const Leaves& l) {
      return ops.ConvNormFilmSilu(l[0], {l[n], l[n + 1]}, norm(l), l[n + 2], l[n + 3]);
    });
    CompareOperation("ConvNormSiluAdd" + suffix + " with shortcut", with({weight, bias, skip}),
                     [&](Ops& ops, const Leaves& l) {
                       return ops.ConvNormSiluAdd(l[0], {l[n], l[n + 1]}, norm(l), {"", l[0], {l[n + 2], {}}});
                     });
  };
  compare("", {x, gain}, rms);
  compare(" of groups", {x, gain.flatten(), beta}, group);
  AttentionWeights attention;
  const at::Tensor memory = draw({2, 4, 32, 4}), qkv = draw({384, kPluginChannels, 1, 1}) / 8;
  const at::Tensor out = draw({kPluginChannels, 128, 1, 1}) / 8, out_gain = draw({1, kPluginChannels, 1, 1});
  CompareOperation("LinearAttention", {x, gain, memory, qkv, out, out_gain}, [&](Ops& ops, const Leaves& l) {
    attention.norm = rms(l), attention.memory = l[2], attention.to_qkv = l[3];
    attention.to_out = {l[4], {}}, attention.out_norm = rms({{}, l[5]});
    return ops.LinearAttention(l[0], attention);
  });
  const at::Tensor down = draw({32, 4 * kPluginChannels, 1, 1}) / 16, even = draw({2, kPluginChannels, 4, 6});
  CompareOperation("Down", {even, down}, [&](Ops& ops, const Leaves& l) {
    return ops.Down(l[0], {l[1], {}}, DownKind::kUnshuffle);
  });
}

// Each function with a backward of our own refuses to be differentiated twice.
void RefuseSecondOrder() {
  set_name = kCudaOps;
  const auto refuse = [](const std::string& operation, const Leaves& inputs,
                         const std::function<at::Tensor(const Leaves&)>& run) {
    Report(operation, "refused", IsFirstOrderOnly(operation, inputs, run));
  };
  refuse("the norm", {Random({2, kPluginChannels, 3, 5}), Random({1, kPluginChannels, 1, 1})}, [](const Leaves& l) {
    return FusedNorm(l[0], {}, {NormWeights::Kind::kRms, l[1], {}}, {}, {}, true, {});
  });
  refuse("linear attention", {Random({2, 15, 384}), Random({2, 4, 32, 4})},
         [](const Leaves& l) { return RowsLinearAttention(l[0], l[1], 4, 0.5); });
}

}  // namespace

// What the core finds where a process has opened the plugin.
extern "C" __attribute__((visibility("default"))) const shinsaku::CudaPlugin* shinsaku_cuda_plugin() {
  static const shinsaku::CudaPlugin plugin = EmulatedPlugin();
  return &plugin;
}

int main() {
  RunAll<float>("float32");
  RunAll<Half>("bfloat16");
  RunGroups<float>("float32");
  RunGroups<Half>("bfloat16");
  CompareOperations();
  RefuseSecondOrder();
  return 0;
}
