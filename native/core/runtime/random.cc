// The random state of a run: PyTorch's own generators, one set for each trainer.
#include "core/runtime/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

namespace shinsaku {
namespace {

// SplitMix64 (Steele 2014) of a seed and a number: seeds that have nothing to do with their neighbours'.
uint64_t Mix(uint64_t seed, uint64_t number) {
  uint64_t z = seed + 0x9e3779b97f4a7c15 * (number + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// What a derived seed is for, so that equal numbers of two kinds give different ones.
constexpr uint64_t kOfBatch = 1, kOfPicture = 2;

}  // namespace

RandomState RandomState::Fork() const {
  const at::Generator copy = cpu.clone();
  return {copy, shared() ? copy : at::Generator()};
}

at::Generator CpuGenerator(uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

RandomState SeedRandomState(uint64_t seed, at::Device device) {
  at::Generator cpu = CpuGenerator(seed);
  if (device.is_cpu()) return {cpu, cpu};
  at::Generator own =
      at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  own.set_current_seed(seed);
  return {cpu, own};
}

RandomState BatchRandomState(uint64_t seed, int64_t images_seen, at::Device device) {
  return SeedRandomState(Mix(Mix(seed, kOfBatch), static_cast<uint64_t>(images_seen)), device);
}

at::Generator PictureGenerator(uint64_t seed, int64_t index) {
  return CpuGenerator(Mix(Mix(seed, kOfPicture), static_cast<uint64_t>(index)));
}

int64_t DrawSeed(at::Generator& generator) {
  return at::empty({}, at::kLong).random_(generator).item<int64_t>();
}

at::Tensor PictureNoise(at::Generator& picture, at::IntArrayRef shape, at::Device device) {
  return at::randn(shape, picture, at::kFloat).to(device);
}

}  // namespace shinsaku
