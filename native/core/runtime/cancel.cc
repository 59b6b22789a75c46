// Ends a running unit early when the process wants to exit.
#include "core/runtime/cancel.h"

#include "core/api.h"

namespace shinsaku {
namespace {

// One for the process, as there is one device thread; atomic, because autograd's GPU threads read it too.
std::atomic<const std::atomic<bool>*> watched{nullptr};

}  // namespace

void WatchCancel(const std::atomic<bool>* flag) noexcept { watched.store(flag); }

void ThrowIfCancelled() {
  const std::atomic<bool>* flag = watched.load(std::memory_order_relaxed);
  if (flag && flag->load(std::memory_order_relaxed))
    throw Failure("SHUT_DOWN", "the native part was shut down");
}

const at::Tensor& CheckCancelled(const at::Tensor& x) {
  ThrowIfCancelled();
  if (x.requires_grad()) x.register_hook([](const at::Tensor&) { ThrowIfCancelled(); });
  return x;
}

}  // namespace shinsaku
