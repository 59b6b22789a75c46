// What every sampler takes: the seeds of its pictures, the rows of a batch, latents in place of their own,
// and for pictures of a walk the seeds that they are on the way to.
#pragma once

#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// The point at `mix`, 0 to 1, on the great circle from `a` to `b`, with a norm between theirs (Shoemake 1985,
// spherical linear interpolation). A straight line would pass through latents shorter than any that a model
// has seen. Computed in double; exactly `a` at 0 and `b` at 1.
at::Tensor Slerp(const at::Tensor& a, const at::Tensor& b, double mix);

struct SamplerArgs {
  // Reads "seeds" and "batch" of `args`, "toSeeds" and "mix" where it has them, one for each seed, and
  // "latents" of `inputs`, one of `latent_shape` for each seed. Without `limited` there may be more seeds
  // than a batch has rows: they make one batch together. Throws NATIVE_FAILED for too many seeds, for a walk
  // that does not go with them and for inputs that are neither latents nor among `other_inputs`,
  // SHAPE_INVALID for other latents.
  SamplerArgs(const Spec& args, const std::vector<HostTensor>& inputs,
              const std::vector<int64_t>& latent_shape, bool limited,
              const std::vector<std::string>& other_inputs = {});

  int64_t count() const { return static_cast<int64_t>(seeds.size()); }

  // The latent of picture i: the one that it was given, or what `draw` makes of its seed, or a point between
  // that and the one of the seed it is on the way to.
  template <typename Draw>
  at::Tensor Latent(int64_t i, const Draw& draw) const {
    const auto at = static_cast<size_t>(i);
    if (latents.defined()) return latents.select(0, i);
    const at::Tensor own = draw(seeds[at]);
    return to_seeds.empty() ? own : Slerp(own, draw(to_seeds[at]), mix[at]);
  }

  std::vector<uint64_t> seeds;
  std::vector<uint64_t> to_seeds;  // of a walk; empty otherwise
  std::vector<double> mix;         // how far each picture is on its way, 0 to 1
  // Kernels, and with them the last bits of a picture, may depend on the number of rows: it is always this
  // one.
  int64_t rows;
  at::Tensor latents;  // [count,...] float on the CPU; undefined where each picture draws its own
};

}  // namespace shinsaku
