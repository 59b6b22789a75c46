// What every sampler takes: the seeds of its pictures, the rows of a batch, and latents in place of their
// own.
#include "core/models/sampler_args.h"

#include <c10/util/StringUtil.h>

#include "core/runtime/host_tensor.h"

namespace shinsaku {

SamplerArgs::SamplerArgs(const Spec& args, const std::vector<HostTensor>& inputs,
                         const std::vector<int64_t>& latent_shape, bool limited)
    : rows(Integer(args, "batch")) {
  for (const double seed : Numbers(args, "seeds")) seeds.push_back(static_cast<uint64_t>(seed));
  if (!limited) rows = count();
  if (seeds.empty() || count() > rows)
    throw Failure("NATIVE_FAILED", "a sampler takes 1 to " + std::to_string(rows) +
                                       " seeds, as many as its batch has rows, but got " +
                                       std::to_string(count()));
  std::vector<int64_t> shape{count()};
  shape.insert(shape.end(), latent_shape.begin(), latent_shape.end());
  for (const HostTensor& input : inputs) {
    if (input.name != "latents")
      throw Failure("NATIVE_FAILED",
                    "this model's samplers take no input \"" + input.name + "\"; they take: latents");
    latents = FromHost(input);
    if (latents.scalar_type() != at::kFloat || latents.sizes() != shape)
      throw Failure("SHAPE_INVALID", "the input \"latents\" is " + input.dtype + " " +
                                         c10::str(latents.sizes()) + ", but these seeds need F32 " +
                                         c10::str(at::IntArrayRef(shape)));
  }
}

}  // namespace shinsaku
