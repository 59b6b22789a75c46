// What the programs that compare ops sets share: their lines, random tensors and names of sizes.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "core/api.h"

namespace shinsaku {

// The set that is looked at.
inline std::string set_name;

inline void Report(const std::string& name, const char* key, double value) {
  if (!std::isfinite(value)) value = 1e9;  // JSON has no other numbers
  std::printf("{\"set\":\"%s\",\"name\":\"%s\",\"%s\":%g}\n", set_name.c_str(), name.c_str(), key, value);
}

inline at::Generator generator = at::detail::createCPUGenerator(7);

inline at::Tensor Random(at::IntArrayRef shape, double scale = 1) {
  return at::randn(shape, generator, at::TensorOptions(at::kFloat)).mul_(scale);
}

inline std::string Sizes(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

// Whether `run` gives every input a gradient, but refuses a second one: with a failure that names `operation` and what
// to use instead.
inline bool IsFirstOrderOnly(const std::string& operation, const std::vector<at::Tensor>& inputs,
                             const std::function<at::Tensor(const std::vector<at::Tensor>&)>& run) {
  const auto gradients = [&](bool create_graph) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& x : inputs) leaves.push_back(x.detach().clone().requires_grad_(true));
    return torch::autograd::grad({run(leaves).square().sum()}, leaves, {}, create_graph, create_graph);
  };
  try {
    gradients(true);
    return false;
  } catch (const Failure& failure) {
    const std::string message = failure.what();
    if (failure.code != "NATIVE_FAILED" || message.find("backward of " + operation + " ") == std::string::npos ||
        message.find("exact") == std::string::npos)
      return false;
  }
  for (const at::Tensor& gradient : gradients(false))
    if (!(gradient.norm().item<double>() > 0)) return false;
  return true;
}

}  // namespace shinsaku
