// Copies between live tensors and the host bytes that cross the boundary.
#include "core/runtime/host_tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <c10/util/StringUtil.h>

#include <cstring>
#include <map>

#include "core/runtime/device.h"

namespace shinsaku {
namespace {

at::ScalarType TypeOf(const std::string& dtype, const std::string& name) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kByte, at::kBool}) {
    if (DtypeName(type) == dtype) return type;
  }
  throw Failure("SHAPE_INVALID",
                "tensor \"" + name + "\" has element type " + dtype + ", which is not supported");
}

std::string ShapeText(at::IntArrayRef shape) { return c10::str(shape); }

}  // namespace

int64_t HostBytesOf(const at::Tensor& tensor) {
  return tensor.is_cpu() ? static_cast<int64_t>(tensor.nbytes()) : 0;
}

int64_t HostBytesOf(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& entry : tensors) bytes += HostBytesOf(entry.tensor);
  return bytes;
}

int64_t HostBytesOf(const ParameterSet& set, const Ops& ops) {
  int64_t bytes = HostBytesOf(set.state());
  for (const auto& entry : set.parameters()) bytes += ops.PackedBytes(entry.tensor);
  return bytes;
}

TensorInfo InfoOf(const NamedTensor& entry) {
  return {entry.name, DtypeName(entry.tensor.scalar_type()), entry.tensor.sizes().vec()};
}

std::vector<uint8_t> BytesOf(const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().to(at::kCPU).contiguous();
  const auto* begin = static_cast<const uint8_t*>(host.const_data_ptr());
  return {begin, begin + host.nbytes()};
}

at::Tensor FromHost(const HostTensor& host) {
  const at::ScalarType type = TypeOf(host.dtype, host.name);
  // Checked before the allocation: a hostile shape must not reserve memory it has no bytes for.
  size_t elements = 1;
  for (const int64_t size : host.shape) {
    if (size < 0 || (size > 0 && elements > host.bytes / static_cast<size_t>(size))) elements = SIZE_MAX;
    if (elements == SIZE_MAX) break;
    elements *= static_cast<size_t>(size);
  }
  if (elements == SIZE_MAX || elements * c10::elementSize(type) != host.bytes) {
    throw Failure("SHAPE_INVALID", "tensor \"" + host.name + "\" of shape " + ShapeText(host.shape) +
                                       " does not fit its " + std::to_string(host.bytes) + " bytes");
  }
  at::Tensor tensor = at::empty(host.shape, type);
  if (host.bytes > 0) std::memcpy(tensor.mutable_data_ptr(), host.data, host.bytes);
  return tensor;
}

void CopyInto(const NamedTensor& target, const at::Tensor& value) {
  if (value.sizes() != target.tensor.sizes() || value.scalar_type() != target.tensor.scalar_type()) {
    throw Failure("CHECKPOINT_MISMATCH",
                  "tensor \"" + target.name + "\" is " + DtypeName(value.scalar_type()) + " " +
                      ShapeText(value.sizes()) + " in the checkpoint, but the network needs " +
                      DtypeName(target.tensor.scalar_type()) + " " + ShapeText(target.tensor.sizes()));
  }
  const at::NoGradGuard no_grad;
  at::Tensor(target.tensor).copy_(value);
}

void CopyAll(const NamedTensors& targets, const NamedTensors& values) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : values) given[name] = tensor;
  for (const auto& target : targets) {
    const auto found = given.find(target.name);
    if (found == given.end()) {
      throw Failure("CHECKPOINT_MISMATCH",
                    "the weights have no tensor \"" + target.name + "\", which the network needs");
    }
    CopyInto(target, found->second);
  }
}

}  // namespace shinsaku
