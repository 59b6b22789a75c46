// Values of one moment, to measure how far those of another are from them.
#pragma once

#include <memory>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

// Copies the float32 tensors among `values` to host memory.
std::unique_ptr<Snapshot> CopySnapshot(const NamedTensors& values);

}  // namespace shinsaku
