// Launches the kernels of cuda/norm.cuh and cuda/group_norm.cuh.
#pragma once

#include "cuda/plugin.h"

namespace shinsaku {

// `groups` as in NormCall. `stream` is a cudaStream_t.
bool NormHas(int64_t groups, int64_t channels);
int64_t NormPartials(int64_t groups, int64_t images, int64_t pixels, int64_t channels);
void NormForward(const NormCall& call, void* stream);
void NormBackward(const NormCall& call, void* stream);

int64_t GroupNormPartials(int64_t images, int64_t pixels, int64_t channels);
void GroupNormForward(const NormCall& call, void* stream);
void GroupNormBackward(const NormCall& call, void* stream);

}  // namespace shinsaku
