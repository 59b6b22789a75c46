// The kernels of native/cuda/group_norm.cuh on the CPU: as the plugin launches them, and beside the equations.
#pragma once

#include "cuda/plugin.h"
#include "cuda_emulation.h"

#include "cuda/group_norm.cuh"

namespace {

constexpr unsigned kGroupThreads = 128;

int64_t GroupPartials(int64_t images, int64_t channels, unsigned blocks) {
  return images * ((static_cast<int64_t>(blocks) + 1) * kChannelSums * channels + kNormGroups * kMoments);
}

template <typename T, int PAIRS>
void GroupForwardAs(const NormCall& call, unsigned blocks) {
  const auto in = In<T>(call);
  const NormShape shape{static_cast<int>(call.images), static_cast<int>(call.pixels)};
  const auto images = static_cast<unsigned>(call.images), rows = static_cast<unsigned>(call.images * call.pixels);
  Launch({blocks, images}, kNormThreads, [&] { GroupSumsKernel<T, PAIRS>(in, call.partial, shape); });
  Launch({(images * kNormGroups + kGroupThreads - 1) / kGroupThreads, 1}, kGroupThreads, [&] {
    GroupStatisticsKernel<T>(in, call.partial, call.root, shape, static_cast<int>(blocks), 2 * kLanes * PAIRS);
  });
  Launch({(rows + kNormWarps - 1) / kNormWarps, 1}, kNormThreads, [&] {
    GroupForwardKernel<T, PAIRS>(in, call.root, static_cast<const T*>(call.residual), static_cast<T*>(call.y),
                                 shape, call.silu);
  });
}

template <typename T, int PAIRS>
void GroupBackwardAs(const NormCall& call, unsigned blocks) {
  const auto in = In<T>(call);
  const auto dy = static_cast<const T*>(call.dy);
  const NormShape shape{static_cast<int>(call.images), static_cast<int>(call.pixels)};
  const auto images = static_cast<unsigned>(call.images), rows = static_cast<unsigned>(call.images * call.pixels);
  const int channels = 2 * kLanes * PAIRS;
  const unsigned channel_blocks = (static_cast<unsigned>(channels) + kGroupThreads - 1) / kGroupThreads;
  float* sums = call.partial + call.images * blocks * kChannelSums * channels;
  float* pull = sums + call.images * kChannelSums * channels;
  Launch({blocks, images}, kNormThreads,
         [&] { GroupBackwardSumsKernel<T, PAIRS>(in, dy, call.root, call.partial, shape, call.silu); });
  Launch({channel_blocks, images}, kGroupThreads, [&] {
    GroupReduceKernel<T>(in, call.partial, sums, call.dscale, call.dshift, static_cast<int>(blocks), channels);
  });
  Launch({(images * kNormGroups + kGroupThreads - 1) / kGroupThreads, 1}, kGroupThreads,
         [&] { GroupPullKernel<T>(in, sums, pull, shape, channels); });
  Launch({(rows + kNormWarps - 1) / kNormWarps, 1}, kNormThreads, [&] {
    GroupBackwardKernel<T, PAIRS>(in, dy, call.root, pull, static_cast<T*>(call.dx), shape, call.silu);
  });
  Launch({channel_blocks, 1}, kGroupThreads, [&] {
    GroupParametersKernel<T>(in, sums, call.root, pull, call.dgain, call.dbeta, call.dbias, shape, channels);
  });
}

template <int PAIRS>
void GroupForwardOf(const NormCall& call, unsigned blocks) {
  return call.half ? GroupForwardAs<Half, PAIRS>(call, blocks) : GroupForwardAs<float, PAIRS>(call, blocks);
}

template <int PAIRS>
void GroupBackwardOf(const NormCall& call, unsigned blocks) {
  return call.half ? GroupBackwardAs<Half, PAIRS>(call, blocks) : GroupBackwardAs<float, PAIRS>(call, blocks);
}

// The equations at the head of group_norm.cuh and their derivatives, in double.
Expected ExactGroups(const Problem& p) {
  Expected e(p);
  const auto c = static_cast<size_t>(p.channels), pixels = static_cast<size_t>(p.pixels);
  const size_t each = c / kNormGroups, count = pixels * each;
  for (size_t image = 0; image < static_cast<size_t>(p.images); ++image)
    for (size_t group = 0; group < kNormGroups; ++group) {
      const auto each_value = [&](const auto& work) {
        for (size_t pixel = 0; pixel < pixels; ++pixel)
          for (size_t i = group * each; i < (group + 1) * each; ++i) work((image * pixels + pixel) * c + i, i);
      };
      const auto value = [&](size_t at, size_t i) { return double{p.x[at]} + (p.bias ? double{p.offset[i]} : 0); };
      double mean = 0, variance = 0, pull = 0, lean = 0;
      each_value([&](size_t at, size_t i) { mean += value(at, i) / static_cast<double>(count); });
      each_value([&](size_t at, size_t i) { variance += std::pow(value(at, i) - mean, 2) / static_cast<double>(count); });
      const double r = 1 / std::sqrt(variance + 1e-5);
      Doubles direct(p.count());  // the gradient of h
      each_value([&](size_t at, size_t i) {
        const double h = (value(at, i) - mean) * r, factor = p.film ? 1 + double{p.scale[image * c + i]} : 1;
        const double plain = h * p.gain[i] + p.beta[i];
        const double t = plain * factor + (p.film ? double{p.shift[image * c + i]} : 0), s = 1 / (1 + std::exp(-t));
        e.y[at] = (p.silu ? t * s : t) + (p.residual ? double{p.skip[at]} : 0);
        const double dt = p.silu ? p.dy[at] * s * (1 + t * (1 - s)) : double{p.dy[at]};
        e.dshift[image * c + i] += dt;
        e.dscale[image * c + i] += dt * plain;
        e.dgain[i] += dt * factor * h;
        e.dbeta[i] += dt * factor;
        direct[at] = dt * factor * p.gain[i];
        pull += direct[at] / static_cast<double>(count);
        lean += direct[at] * h / static_cast<double>(count);
      });
      each_value([&](size_t at, size_t i) {
        e.dx[at] = (direct[at] - pull - (value(at, i) - mean) * r * lean) * r;
        e.dbias[i] += e.dx[at];
      });
    }
  return e;
}

template <typename T, int PAIRS>
void RunGroup(const std::string& name, Problem p, float mean) {
  p.Draw(mean);
  const auto x = Rounded<T>(p.x), skip = Rounded<T>(p.skip), dy = Rounded<T>(p.dy);
  const Expected expected = ExactGroups(p);
  const auto c = static_cast<size_t>(p.channels), images = static_cast<size_t>(p.images);
  const unsigned blocks = 3;
  std::vector<T> y(p.count()), dx(p.count());
  std::vector<float> statistics(images * kNormGroups * kMoments), dbias(c), dgain(c), dbeta(c), dscale(images * c),
      dshift(images * c), partial(static_cast<size_t>(GroupPartials(p.images, p.channels, blocks)));
  NormCall call;
  call.half = sizeof(T) == sizeof(Half);
  call.silu = p.silu;
  call.groups = kNormGroups;
  call.images = p.images, call.pixels = p.pixels, call.channels = p.channels;
  call.x = x.data(), call.gain = p.gain.data(), call.beta = p.beta.data(), call.root = statistics.data();
  call.partial = partial.data(), call.y = y.data(), call.dy = dy.data(), call.dx = dx.data();
  call.dgain = dgain.data(), call.dbeta = dbeta.data();
  if (p.residual) call.residual = skip.data();
  if (p.bias) call.bias = p.offset.data(), call.dbias = dbias.data();
  if (p.film) call.scale = p.scale.data(), call.shift = p.shift.data();
  if (p.film) call.dscale = dscale.data(), call.dshift = dshift.data();
  GroupForwardOf<PAIRS>(call, blocks);
  GroupBackwardOf<PAIRS>(call, blocks);
  Print(name, "y", Error(y, expected.y));
  Print(name, "dx", Error(dx, expected.dx));
  Print(name, "dgain", Error(dgain, expected.dgain));
  Print(name, "dbeta", Error(dbeta, expected.dbeta));
  if (p.film) Print(name, "dscale", Error(dscale, expected.dscale));
  if (p.film) Print(name, "dshift", Error(dshift, expected.dshift));
  // A sum of what nearly cancels: as large as its rounding where a group has many values.
  if (p.bias) Print(name, "dbias, in dx's size", Apart(dbias, expected.dbias) / Size(expected.dx));
}

template <typename T>
void RunGroups(const std::string& type) {
  RunGroup<T, 1>(type + " groups 64 bias film silu", {2, 27, 64, true, true, true, false}, 0);
  RunGroup<T, 2>(type + " groups 128 bias silu residual", {1, 9, 128, true, false, true, true}, 3);
  RunGroup<T, 4>(type + " groups 256 plain", {2, 5, 256, false, false, false, false}, 0);
  RunGroup<T, 8>(type + " groups 512 film silu residual", {1, 11, 512, false, true, true, true}, 0);
  RunGroup<T, 16>(type + " groups 1024 bias film", {2, 3, 1024, true, true, false, false}, 30);
}

}  // namespace
