// What the programs that compare ops sets share: their lines, random tensors and names of sizes.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <cstdio>
#include <string>

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

}  // namespace shinsaku
