// What a walk over the reference is made of: its layers, and the memory that autograd keeps for backward.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "core/api.h"

namespace shinsaku {

class Recorder {
 public:
  using Tensors = std::initializer_list<std::reference_wrapper<const at::Tensor>>;

  // Names the layer of the operations that follow.
  void Enter(const std::string& layer) { layer_ = layer; }
  // An operation with weights, some of which may be undefined, and what it saves for backward.
  void Operation(const char* name, const at::Tensor& result, Tensors weights, Tensors saved);
  void Save(Tensors saved);

  const std::vector<Layer>& layers() const { return layers_; }
  int64_t saved_bytes() const;

 private:
  std::string layer_;
  std::vector<Layer> layers_;
  // What several operations save, and views of it, are in memory once.
  std::map<const c10::StorageImpl*, c10::Storage> saved_;
};

}  // namespace shinsaku
