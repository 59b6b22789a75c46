// Draws pictures with a DCGAN's generator: one forward pass for each chunk of seeds.
#pragma once

#include <memory>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// Copies `weights` (generator.*). Its Sample() reads "seeds", "batchNorm" and "batch".
std::unique_ptr<InferenceModel> MakeDcganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                        at::Device device);

}  // namespace shinsaku
