// What a walk over the reference is made of: its layers, and the memory that autograd keeps for backward.
#include "core/ops/recorder.h"

namespace shinsaku {

void Recorder::Operation(const char* name, const at::Tensor& result, Tensors weights, Tensors saved) {
  const at::IntArrayRef shape = result.sizes();
  Layer layer{layer_, name, {shape.begin() + 1, shape.end()}, 0};
  for (const at::Tensor& weight : weights) layer.parameters += weight.defined() ? weight.numel() : 0;
  layers_.push_back(std::move(layer));
  Save(saved);
}

void Recorder::Save(Tensors saved) {
  for (const at::Tensor& tensor : saved)
    saved_.emplace(tensor.storage().unsafeGetStorageImpl(), tensor.storage());
}

int64_t Recorder::saved_bytes() const {
  int64_t bytes = 0;
  for (const auto& [key, storage] : saved_) bytes += static_cast<int64_t>(storage.nbytes());
  return bytes;
}

}  // namespace shinsaku
