// Reads what every sampler takes, and mixes the latents of a walk.
#include "core/models/sampler_args.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>

#include "core/runtime/host_tensor.h"

namespace shinsaku {
namespace {

std::vector<uint64_t> SeedsOf(const Spec& args, const std::string& key) {
  std::vector<uint64_t> seeds;
  for (const double seed : Numbers(args, key)) seeds.push_back(static_cast<uint64_t>(seed));
  return seeds;
}

// Below this angle the circle is a line, and its formula divides by almost nothing.
constexpr double kSmallestAngle = 1e-6;

}  // namespace

at::Tensor Slerp(const at::Tensor& a, const at::Tensor& b, double mix) {
  if (mix <= 0) return a;
  if (mix >= 1) return b;
  const at::Tensor from = a.to(at::kDouble), to = b.to(at::kDouble);
  const double length_from = from.norm().item<double>(), length_to = to.norm().item<double>();
  const double cosine =
      at::dot(from.flatten(), to.flatten()).item<double>() / std::max(length_from * length_to, 1e-300);
  const double angle = std::acos(std::clamp(cosine, -1.0, 1.0));
  if (angle < kSmallestAngle || M_PI - angle < kSmallestAngle)
    return (from * (1 - mix) + to * mix).to(a.scalar_type());
  const double length = (1 - mix) * length_from + mix * length_to;
  const double share_from = length * std::sin((1 - mix) * angle) / std::sin(angle) / length_from;
  const double share_to = length * std::sin(mix * angle) / std::sin(angle) / length_to;
  return (from * share_from + to * share_to).to(a.scalar_type());
}

SamplerArgs::SamplerArgs(const Spec& args, const std::vector<HostTensor>& inputs,
                         const std::vector<int64_t>& latent_shape, bool limited,
                         const std::vector<std::string>& other_inputs)
    : seeds(SeedsOf(args, "seeds")), rows(Integer(args, "batch")) {
  if (!limited) rows = count();
  if (seeds.empty() || count() > rows)
    throw Failure("NATIVE_FAILED", "a sampler takes 1 to " + std::to_string(rows) +
                                       " seeds, as many as its batch has rows, but got " +
                                       std::to_string(count()));
  if (Has(args, "toSeeds")) {
    to_seeds = SeedsOf(args, "toSeeds");
    mix = Numbers(args, "mix");
    if (to_seeds.size() != seeds.size() || mix.size() != seeds.size())
      throw Failure("NATIVE_FAILED", "a walk takes one of toSeeds and of mix for each seed");
  }
  std::vector<int64_t> shape{count()};
  shape.insert(shape.end(), latent_shape.begin(), latent_shape.end());
  for (const HostTensor& input : inputs) {
    if (std::find(other_inputs.begin(), other_inputs.end(), input.name) != other_inputs.end()) continue;
    if (input.name != "latents") {
      std::string taken = "latents";
      for (const std::string& name : other_inputs) taken += ", " + name;
      throw Failure("NATIVE_FAILED",
                    "this model's samplers take no input \"" + input.name + "\"; they take: " + taken);
    }
    latents = FromHost(input);
    if (latents.scalar_type() != at::kFloat || latents.sizes() != shape)
      throw Failure("SHAPE_INVALID", "the input \"latents\" is " + input.dtype + " " +
                                         c10::str(latents.sizes()) + ", but these seeds need F32 " +
                                         c10::str(at::IntArrayRef(shape)));
  }
}

}  // namespace shinsaku
