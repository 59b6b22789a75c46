// A process group as the core uses it: sums and copies of tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "core/api.h"

namespace shinsaku {

// Of `total` rows of a batch, those of one process of a group: the batch is that of all of them together.
struct Share {
  int64_t rank = 0, size = 1;
  int64_t Begin(int64_t total) const { return total * rank / size; }
  int64_t End(int64_t total) const { return total * (rank + 1) / size; }
  int64_t Count(int64_t total) const { return End(total) - Begin(total); }
  // The rows of this process, of the first dimension of `all`.
  at::Tensor Rows(const at::Tensor& all) const {
    return size == 1 ? all : all.slice(0, Begin(all.size(0)), End(all.size(0)));
  }
  // What the mean over this process's rows is multiplied by, so that the mean over the processes is that over
  // all rows.
  double Weight(int64_t total) const {
    return static_cast<double>(Count(total) * size) / static_cast<double>(total);
  }
};

// Every process makes the same calls in the same order. Tensors are contiguous and on the CPU. Throws
// PROCESS_LOST, which names the process that is gone; after that nothing works any more.
class Communicator : public ProcessGroup {
 public:
  virtual Share share() const = 0;
  // Adds the values of all processes, in place. Returns at once; the result waits for the sum, and until then
  // `values` belong to it.
  virtual std::function<void()> AllReduce(const at::Tensor& values) = 0;
  // Copies rank 0's values to all processes.
  virtual void Broadcast(const at::Tensor& values) = 0;
};

// The communicator behind what api.h names; null for null.
std::shared_ptr<Communicator> CommunicatorOf(const std::shared_ptr<ProcessGroup>& group);

}  // namespace shinsaku
