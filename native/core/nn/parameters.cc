// The named tensors of a network: first values as PyTorch's constructors draw them, then state-dict order.
#include "core/nn/parameters.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

namespace shinsaku {

Init WeightInit(int64_t fan_in) {
  // torch.nn.init.kaiming_uniform_(a = sqrt 5), operation by operation in double.
  const double a = std::sqrt(5.0);
  const double gain = std::sqrt(2.0 / (1 + a * a));
  const double deviation = gain / std::sqrt(static_cast<double>(fan_in));
  return {Init::Kind::kUniform, std::sqrt(3.0) * deviation, 0};
}

Init BiasInit(int64_t fan_in) {
  return {Init::Kind::kUniform, 1 / std::sqrt(static_cast<double>(fan_in)), 0};
}

Init Constant(double value) { return {Init::Kind::kConstant, value, 0}; }

Init Normal(double mean, double deviation) { return {Init::Kind::kNormal, mean, deviation}; }

at::Tensor ParameterSet::Parameter(const std::string& name, at::IntArrayRef shape, const Init& init) {
  at::Tensor tensor;
  if (fill_ == Fill::kDraw) {
    tensor = at::empty(shape, at::kFloat);
    if (init.kind == Init::Kind::kUniform) tensor.uniform_(-init.a, init.a, generator_);
    if (init.kind == Init::Kind::kNormal) tensor.normal_(init.a, init.b, generator_);
    if (init.kind == Init::Kind::kConstant) tensor.fill_(init.a);
    tensor = tensor.to(device_);
  } else {
    const at::Device device = fill_ == Fill::kMeta ? at::Device(at::kMeta) : device_;
    tensor = at::empty(shape, at::TensorOptions(at::kFloat).device(device));
  }
  parameters_.push_back({name, tensor});
  return tensor;
}

at::Tensor ParameterSet::Buffer(const std::string& name, const at::Tensor& value) {
  at::Tensor tensor = value.to(fill_ == Fill::kMeta ? at::Device(at::kMeta) : device_);
  buffers_.push_back({name, tensor});
  return tensor;
}

void ParameterSet::Finish(const std::vector<std::string>& prefixes) {
  const auto rank = [&](const NamedTensor& entry) {
    const auto found = std::find_if(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
      return entry.name.starts_with(prefix);
    });
    return found - prefixes.begin();
  };
  const auto before = [&](const NamedTensor& a, const NamedTensor& b) { return rank(a) < rank(b); };
  std::stable_sort(parameters_.begin(), parameters_.end(), before);
  std::stable_sort(buffers_.begin(), buffers_.end(), before);
}

NamedTensors ParameterSet::state() const {
  NamedTensors all = buffers_;
  all.insert(all.end(), parameters_.begin(), parameters_.end());
  return all;
}

std::vector<at::Tensor> ParameterSet::tensors() const {
  std::vector<at::Tensor> all;
  for (const auto& entry : parameters_) all.push_back(entry.tensor);
  return all;
}

int64_t ParameterSet::count() const {
  int64_t count = 0;
  for (const auto& entry : parameters_) count += entry.tensor.numel();
  return count;
}

void ParameterSet::SetMemoryFormat(const std::function<at::MemoryFormat(const at::Tensor&)>& format) {
  for (auto& [name, tensor] : parameters_) tensor.set_data(tensor.contiguous(format(tensor)));
}

void ParameterSet::RequireGrad(bool on) {
  for (auto& entry : parameters_) entry.tensor.requires_grad_(on);
}

}  // namespace shinsaku
