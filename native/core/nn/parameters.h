// The named tensors of a network, in state-dict order, and how they get their first values.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shinsaku {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};
using NamedTensors = std::vector<NamedTensor>;

// First values. Each kind draws from the generator exactly as PyTorch's module constructor does.
struct Init {
  enum class Kind { kUniform, kNormal, kConstant } kind = Kind::kConstant;
  double a = 0;  // uniform: bound; normal: mean; constant: value
  double b = 0;  // normal: standard deviation
};
// nn.Conv2d / nn.Linear: kaiming_uniform(a = sqrt 5) for the weight, 1/sqrt(fan_in) for the bias.
Init WeightInit(int64_t fan_in);
Init BiasInit(int64_t fan_in);
Init Constant(double value);
Init Normal(double mean, double deviation);

// Where the values of new parameters come from.
enum class Fill {
  kDraw,   // from Init, on the CPU generator, then moved to the device
  kEmpty,  // uninitialised; to be copied into
  kMeta,   // no storage at all, for describing
};

// Grows while a network's constructor runs, in the order in which the reference draws; Finish() puts the
// entries into state-dict order, which differs (ups are drawn after mid, but listed before).
class ParameterSet {
 public:
  ParameterSet(Fill fill, at::Device device, std::optional<at::Generator> generator)
      : fill_(fill), device_(device), generator_(std::move(generator)) {}

  at::Tensor Parameter(const std::string& name, at::IntArrayRef shape, const Init& init);
  // A tensor that is saved but not trained, such as running statistics or a schedule.
  at::Tensor Buffer(const std::string& name, const at::Tensor& value);

  // Orders entries by the first of `prefixes` that their name starts with; stable within one prefix.
  void Finish(const std::vector<std::string>& prefixes);

  const NamedTensors& parameters() const { return parameters_; }  // trainable, in parameters() order
  const NamedTensors& buffers() const { return buffers_; }
  NamedTensors state() const;               // buffers and parameters, as a state dict would list them
  std::vector<at::Tensor> tensors() const;  // of parameters(), for the optimizer
  int64_t count() const;                    // trainable scalars
  void RequireGrad(bool on);
  // Lays each parameter out in memory as `format` says; values and shapes stay.
  void SetMemoryFormat(const std::function<at::MemoryFormat(const at::Tensor&)>& format);

  Fill fill() const { return fill_; }
  const std::optional<at::Generator>& generator() const { return generator_; }
  at::Device device() const { return device_; }

 private:
  Fill fill_;
  at::Device device_;
  std::optional<at::Generator> generator_;
  NamedTensors parameters_;
  NamedTensors buffers_;
};

}  // namespace shinsaku
