// Runs the device's part of an update: plainly, or recorded once as a CUDA graph and replayed.
#include "core/runtime/graphs.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/AutogradState.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/runtime/cuda_plugin.h"

namespace shinsaku {
namespace {

constexpr int kPlainRuns = 3;

}  // namespace

struct Graphs::Recording {
  int plain = 0;
  void* graph = nullptr;
  std::vector<at::Tensor> results;

  ~Recording() {
    results.clear();
    if (graph) RequireCudaPlugin().free_graph(graph);
  }
};

Graphs::Graphs(at::Device device, at::Generator generator)
    : generator_(std::move(generator)),
      plugin_(RequireCudaPlugin()),
      stream_(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device, true)) {}

Graphs::~Graphs() = default;

std::vector<at::Tensor> Graphs::Run(const std::vector<int64_t>& key, const DeviceWork& work) {
  auto& recording = recordings_[key];
  if (!recording) recording = std::make_unique<Recording>();
  if (!recording->graph) {
    if (recording->plain < kPlainRuns) {
      recording->plain += 1;
      return work();
    }
    Record(*recording, work);
  }
  plugin_.replay_graph(recording->graph);
  std::vector<at::Tensor> results;
  for (const auto& result : recording->results) results.push_back(result.clone());
  return results;
}

void Graphs::Record(Recording& recording, const DeviceWork& work) {
  // Results are copied after each replay, so all recordings may work in the same memory.
  const void* memory = nullptr;
  for (const auto& [key, other] : recordings_) {
    if (other->graph) memory = other->graph;
  }
  stream_.synchronize();
  // What the plain runs left behind is the recording's now.
  at::accelerator::emptyCache();
  void* graph = plugin_.new_graph(generator_);
  try {
    plugin_.begin_graph(graph, memory);
    try {
      recording.results = work();
    } catch (...) {
      // A thread must not stay in a recording: nothing else could run on it.
      try {
        plugin_.end_graph(graph);
      } catch (...) {  // the first error is the one to tell
      }
      throw;
    }
    plugin_.end_graph(graph);
  } catch (...) {
    recording.results.clear();
    plugin_.free_graph(graph);
    throw;
  }
  recording.graph = graph;
}

OnGraphStream::OnGraphStream(const Graphs* graphs) {
  if (!graphs) return;
  const c10::impl::VirtualGuardImpl guard(graphs->stream().device_type());
  before_ = guard.getStream(graphs->stream().device());
  before_->synchronize();
  guard.exchangeStream(graphs->stream());
  // A backward pass on threads of its own would launch from outside the recording.
  threaded_ = c10::AutogradState::get_tls_state().get_multithreading_enabled();
  c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
}

OnGraphStream::~OnGraphStream() {
  if (!before_) return;
  c10::AutogradState::get_tls_state().set_multithreading_enabled(threaded_);
  c10::impl::VirtualGuardImpl(before_->device_type()).exchangeStream(*before_);
}

}  // namespace shinsaku
