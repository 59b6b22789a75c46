// Runs kernels of native/cuda on the CPU, each thread of a block as a thread, and holds what their checks share.
#pragma once

#include <barrier>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

// What nvcc would provide, for one block at a time.
struct Index {
  unsigned x = 0, y = 0;
};
static thread_local Index threadIdx;
static Index blockIdx, blockDim, gridDim;
static std::unique_ptr<std::barrier<>> block_barrier;
static std::vector<std::unique_ptr<std::barrier<>>> warp_barriers;
static std::vector<float> exchanged;

static void __syncthreads() { block_barrier->arrive_and_wait(); }

static float __shfl_xor_sync(unsigned, float value, int vector_width) {
  auto& barrier = *warp_barriers[threadIdx.x / 32];
  exchanged[threadIdx.x] = value;
  barrier.arrive_and_wait();
  const float other = exchanged[threadIdx.x ^ static_cast<unsigned>(vector_width)];
  barrier.arrive_and_wait();
  return other;
}

static float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
static unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __restrict__
#define __shared__ static
#define expf std::exp
#define sqrtf std::sqrt
#define fmaxf std::fmax
#include "cuda/pixels.cuh"
#include "cuda/plugin.h"

namespace {

using namespace shinsaku;

// A thread that leaves early must not keep its warp waiting: the kernels only leave by whole warps, before any
// exchange.
void Launch(Index grid, unsigned threads, const std::function<void()>& kernel) {
  gridDim = grid;
  blockDim = {threads, 1};
  exchanged.assign(threads, 0);
  for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
    for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
      block_barrier = std::make_unique<std::barrier<>>(threads);
      warp_barriers.clear();
      for (unsigned warp = 0; warp < threads / 32; ++warp) {
        warp_barriers.push_back(std::make_unique<std::barrier<>>(32));
      }
      std::vector<std::jthread> running;
      for (unsigned i = 0; i < threads; ++i) {
        running.emplace_back([&kernel, i] {
          threadIdx = {i, 0};
          kernel();
        });
      }
    }
  }
}

template <typename T>
NormIn<T> In(const NormCall& call) {
  return {static_cast<const T*>(call.x), call.bias, call.gain, call.beta, call.scale, call.shift};
}

using Doubles = std::vector<double>;

struct Problem {
  int images, pixels, channels;
  bool bias, film, silu, residual;
  std::vector<float> x{}, offset{}, gain{}, beta{}, scale{}, shift{}, skip{}, dy{};

  size_t count() const {
    return static_cast<size_t>(images) * static_cast<size_t>(pixels) * static_cast<size_t>(channels);
  }
  // Draws all values; those of x lie about `mean`.
  void Draw(float mean) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>& values, size_t size) {
      values.resize(size);
      for (float& value : values) value = normal(random);
    };
    const auto c = static_cast<size_t>(channels), films = static_cast<size_t>(images) * c;
    fill(x, count()), fill(offset, c), fill(gain, c), fill(scale, films), fill(shift, films);
    fill(skip, count()), fill(dy, count()), fill(beta, c);
    for (float& value : x) value += mean;
  }
};

template <typename T>
std::vector<T> Rounded(std::vector<float>& values) {
  std::vector<T> out(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    Narrow(&out[i], values[i]);
    values[i] = Widen(out[i]);
  }
  return out;
}

struct Expected {
  explicit Expected(const Problem& p)
      : y(p.count()),
        dx(p.count()),
        dbias(p.gain.size()),
        dgain(p.gain.size()),
        dbeta(p.gain.size()),
        dscale(p.scale.size()),
        dshift(p.scale.size()) {}
  Doubles y, dx, dbias, dgain, dbeta, dscale, dshift;
};

double Size(const Doubles& values) {
  double size = 0;
  for (const double value : values) size += value * value;
  return std::sqrt(size);
}

template <typename T>
double Apart(const std::vector<T>& found, const Doubles& expected) {
  double apart = 0;
  for (size_t i = 0; i < expected.size(); ++i) apart += std::pow(double{Widen(found[i])} - expected[i], 2);
  return std::sqrt(apart);
}

template <typename T>
double Error(const std::vector<T>& found, const Doubles& expected) {
  return Apart(found, expected) / Size(expected);
}

void Print(const std::string& name, const std::string& what, double error) {
  Report(name + " " + what, "error", error);
}

}  // namespace
