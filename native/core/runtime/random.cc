// The random random of a run: PyTorch's own generators, one set for each trainer.
#include "core/runtime/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

namespace shinsaku {

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

int64_t DrawSeed(at::Generator& generator) {
  return at::empty({}, at::kLong).random_(generator).item<int64_t>();
}

at::Tensor PictureNoise(at::Generator& picture, at::IntArrayRef shape, at::Device device) {
  return at::randn(shape, picture, at::kFloat).to(device);
}

}  // namespace shinsaku
