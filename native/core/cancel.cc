// Ends a running unit early when the process wants to exit.
#include "core/cancel.h"

#include "core/model.h"

namespace shinsaku {
namespace {

std::atomic<bool> cancelled{false};

}  // namespace

void RequestCancel() noexcept { cancelled.store(true, std::memory_order_relaxed); }

void ThrowIfCancelled() {
  if (cancelled.load(std::memory_order_relaxed)) throw Failure("SHUT_DOWN", "the native part was shut down");
}

const at::Tensor& Interruptible(const at::Tensor& x) {
  ThrowIfCancelled();
  if (x.requires_grad()) x.register_hook([](const at::Tensor&) { ThrowIfCancelled(); });
  return x;
}

}  // namespace shinsaku
