// What every sampler takes: the seeds of its pictures, the rows of a batch, and latents in place of their
// own.
#pragma once

#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

struct SamplerArgs {
  // Reads "seeds" and "batch" of `args`, and "latents" of `inputs`, one of `latent_shape` for each seed.
  // Without `limited` there may be more seeds than a batch has rows: they make one batch together. Throws
  // NATIVE_FAILED for too many seeds and for other inputs, SHAPE_INVALID for other latents.
  SamplerArgs(const Spec& args, const std::vector<HostTensor>& inputs,
              const std::vector<int64_t>& latent_shape, bool limited);

  int64_t count() const { return static_cast<int64_t>(seeds.size()); }

  std::vector<uint64_t> seeds;
  // Kernels, and with them the last bits of a picture, may depend on the number of rows: it is always this
  // one.
  int64_t rows;
  at::Tensor latents;  // [count,...] float on the CPU; undefined where each picture draws its own
};

}  // namespace shinsaku
