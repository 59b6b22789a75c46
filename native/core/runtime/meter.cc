// Collects scalars on the device and brings them to the host once for each unit.
#include "core/runtime/meter.h"

#include <ATen/ops/stack.h>

#include <algorithm>

namespace shinsaku {

Meter::Series& Meter::Find(const std::string& name) {
  auto found = std::find_if(series_.begin(), series_.end(), [&](const Series& s) { return s.name == name; });
  if (found != series_.end()) return *found;
  return series_.emplace_back(Series{name, {}, {}, {}});
}

void Meter::Add(const std::string& name, const at::Tensor& scalar) { AddSum(name, {scalar}); }

void Meter::AddSum(const std::string& name, const std::vector<at::Tensor>& scalars) {
  Series& series = Find(name);
  series.parts.push_back(scalars.size());
  for (const auto& scalar : scalars) series.device.push_back(scalar.detach().to(at::kFloat).reshape({}));
}

void Meter::Add(const std::string& name, double value) { Find(name).host.push_back(value); }

Metrics Meter::Read() {
  std::vector<at::Tensor> all;
  for (const auto& series : series_) all.insert(all.end(), series.device.begin(), series.device.end());
  const at::Tensor values = all.empty() ? at::Tensor() : at::stack(all).to(at::kCPU, at::kDouble);
  Metrics metrics;
  size_t next = 0;
  for (auto& series : series_) {
    std::vector<double> numbers = std::move(series.host);
    for (const size_t parts : series.parts) {
      double sum = 0;
      for (size_t i = 0; i < parts; ++i) sum += values.data_ptr<double>()[next++];
      numbers.push_back(sum);
    }
    metrics.emplace_back(series.name, std::move(numbers));
  }
  series_.clear();
  return metrics;
}

}  // namespace shinsaku
