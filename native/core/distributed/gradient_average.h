// Averages gradients over the processes of a group.
#pragma once

#include <memory>
#include <vector>

#include "core/distributed/communicator.h"

namespace shinsaku {

// The arithmetic of PyTorch's DistributedDataParallel: each gradient times 1/W, then a sum. Its buckets are
// as large as there, but their layout follows from the list of parameters alone, never from who came first,
// so that a run repeats its bits.
class GradientAverage {
 public:
  GradientAverage(std::shared_ptr<Communicator> group, std::vector<at::Tensor> parameters);
  // Replaces each gradient by the mean over the processes. One that is not there counts as zeros.
  void Run();

 private:
  struct Bucket {
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> slices;  // of `flat`, in the parameters' shapes
    at::Tensor flat;                 // F32 on the CPU
  };
  std::shared_ptr<Communicator> group_;
  std::vector<Bucket> buckets_;
};

}  // namespace shinsaku
