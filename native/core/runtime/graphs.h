// Runs the device's part of an update: plainly, or recorded once as a CUDA graph and replayed.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/Stream.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/api.h"

namespace shinsaku {

struct CudaPlugin;

// Work that launches the same operations on tensors of the same shapes whenever it is run: no tensor of its
// own may be made of numbers of the host, none read back. Returns its results, which the next run may
// overwrite.
using DeviceWork = std::function<std::vector<at::Tensor>()>;

class Graphs {
 public:
  // Draws of `generator` go on from replay to replay.
  Graphs(at::Device device, at::Generator generator);
  ~Graphs();
  Graphs(const Graphs&) = delete;

  // Does `work`, which must be the same in every call with the same `key`. The first few calls run it as it
  // is, so that libraries choose their kernels and allocate what they keep; then it is recorded.
  std::vector<at::Tensor> Run(const std::vector<int64_t>& key, const DeviceWork& work);

  // Everything that touches tensors of the work has to run on this stream while graphs are in use.
  c10::Stream stream() const { return stream_; }

 private:
  struct Recording;
  void Record(Recording& recording, const DeviceWork& work);

  at::Generator generator_;
  const CudaPlugin& plugin_;
  c10::Stream stream_;
  std::map<std::vector<int64_t>, std::unique_ptr<Recording>> recordings_;
};

// Puts the calling thread on the stream of `graphs` after what runs on its own has finished; nothing where it
// is null.
class OnGraphStream {
 public:
  explicit OnGraphStream(const Graphs* graphs);
  ~OnGraphStream();
  OnGraphStream(const OnGraphStream&) = delete;

 private:
  std::optional<c10::Stream> before_;
  bool threaded_ = true;
};

}  // namespace shinsaku
