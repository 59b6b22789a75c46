// Hides labels in training, so that a network learns to do without.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <vector>

namespace shinsaku {

// All of a picture's with `probability`, and of half of the other pictures a random share of their
// attributes. rows F32 [N,width] of attributes of so many columns, as LabelPlan has them, with their `draws`.
at::Tensor HideLabels(const at::Tensor& rows, const std::vector<int64_t>& widths, double probability,
                      const at::Tensor& draws);

// The random numbers that HideLabels() takes for so many pictures.
at::Tensor DrawHiding(int64_t pictures, const std::vector<int64_t>& widths, at::Generator random,
                      at::Device device);

}  // namespace shinsaku
