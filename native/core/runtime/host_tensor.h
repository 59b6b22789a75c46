// Copies between live tensors and the host bytes that cross the boundary.
#pragma once

#include "core/api.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

// Bytes that tensors keep allocated in the process's own memory; a GPU's do not count.
int64_t HostBytesOf(const at::Tensor& tensor);
int64_t HostBytesOf(const NamedTensors& tensors);
// Of a network that draws, with the forms in which `ops` keeps its weights once it has drawn.
int64_t HostBytesOf(const ParameterSet& set, const Ops& ops);

TensorInfo InfoOf(const NamedTensor& entry);
std::vector<uint8_t> BytesOf(const at::Tensor& tensor);

// A tensor of its own over a copy of the host bytes. Throws SHAPE_INVALID when they do not fit the shape.
at::Tensor FromHost(const HostTensor& host);

// Copies `value` into `target`; throws CHECKPOINT_MISMATCH that names the tensor when type or shape differ.
void CopyInto(const NamedTensor& target, const at::Tensor& value);

// Copies into each of `targets` the value of its name; throws CHECKPOINT_MISMATCH when one is missing.
void CopyAll(const NamedTensors& targets, const NamedTensors& values);

}  // namespace shinsaku
