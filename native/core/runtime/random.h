// The random streams of a run. Each trainer owns its own generators, seeded as torch.manual_seed would.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace shinsaku {

struct RandomState {
  at::Generator cpu;     // initial values, epoch seeds
  at::Generator device;  // time steps and noise; the same object as `cpu` on a CPU

  // Whether draws for the device move the CPU's stream on.
  bool shared() const { return device == cpu; }
  // A copy whose draws change nothing here. Of a device's own stream there is none: it decides about no
  // picture.
  RandomState Fork() const;
};

RandomState SeedRandomState(uint64_t seed, at::Device device);
at::Generator CpuGenerator(uint64_t seed);

// Random state of one batch alone: it follows from the run's seed and the images that were seen before the
// batch, so it need not be kept, and draws nothing from the streams above.
RandomState BatchRandomState(uint64_t seed, int64_t images_seen, at::Device device);
// The same of one picture, whichever batch it is in; on the CPU.
at::Generator PictureGenerator(uint64_t seed, int64_t index);

// int64 `tensor.random_()` without bounds, as the DataLoader draws its seeds: 0 .. 2^63-1.
int64_t DrawSeed(at::Generator& generator);

// The noise of one picture: randn of `shape` from a CPU generator of its own seed, moved to `device`.
at::Tensor PictureNoise(at::Generator& picture, at::IntArrayRef shape, at::Device device);

}  // namespace shinsaku
