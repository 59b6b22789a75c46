// Launches the kernels of cuda/norm.cuh.
#pragma once

#include "cuda/plugin.h"

namespace shinsaku {

bool NormHas(int64_t channels);
int64_t NormPartials(int64_t images, int64_t pixels, int64_t channels);
// `stream` is a cudaStream_t.
void NormForward(const NormCall& call, void* stream);
void NormBackward(const NormCall& call, void* stream);

}  // namespace shinsaku
