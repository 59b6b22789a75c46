// The CUDA plugin, where the process has one open.
#pragma once

#include "cuda/plugin.h"

namespace shinsaku {

// Null where the loader has opened none.
const CudaPlugin* FindCudaPlugin();

// The plugin; throws NATIVE_FAILED where there is none.
const CudaPlugin& RequireCudaPlugin();

}  // namespace shinsaku
