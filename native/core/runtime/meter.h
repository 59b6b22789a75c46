// Collects scalars on the device and brings them to the host once for each unit.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "core/api.h"

namespace shinsaku {

class Meter {
 public:
  // One value of a series for the current update; every series must get one value each update.
  void Add(const std::string& name, const at::Tensor& scalar);
  void Add(const std::string& name, double value);
  // One value that is the sum of several scalars, added up in double on the host as the references do.
  void AddSum(const std::string& name, const std::vector<at::Tensor>& scalars);
  // All values since the last Read(), with one copy from the device.
  Metrics Read();

 private:
  struct Series {
    std::string name;
    std::vector<at::Tensor> device;
    std::vector<size_t> parts;  // scalars of `device` that make up each value
    std::vector<double> host;
  };
  Series& Find(const std::string& name);
  std::vector<Series> series_;
};

}  // namespace shinsaku
