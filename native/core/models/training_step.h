// Training as a kind of model does it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/data/data_loader.h"
#include "core/distributed/communicator.h"
#include "core/nn/parameters.h"
#include "core/runtime/graphs.h"
#include "core/runtime/meter.h"
#include "core/runtime/random.h"

namespace shinsaku {

// Networks, loss and update rule of one run.
class TrainingStep {
 public:
  virtual ~TrainingStep() = default;
  virtual DataOrder order() const = 0;
  // Trains together with other processes from now on: Update() takes this process's rows of each batch,
  // draws for all of them, and averages gradients before it uses them.
  virtual void Join(std::shared_ptr<Communicator> group) {
    throw Failure("DISTRIBUTED_UNSUPPORTED", "a model of this kind trains in one process only");
  }
  // One update; takes its batches from `loader`. Adds "loss" (or one series a network) to `meter`.
  virtual void Update(DataLoader& loader, Meter& meter) = 0;
  // How many batches that takes.
  virtual int64_t batches() const = 0;
  // Draws from `random` all that one Update() would draw from the CPU's stream, so that `sampler`, which
  // draws from it too, picks what it would pick then. Returns the indices of each batch.
  virtual std::vector<at::Tensor> Rehearse(BatchSampler& sampler, const RandomState& random) const = 0;
  // Live tensors of everything trained: weights, averages, optimizer state.
  virtual NamedTensors state() = 0;
  // Weights for a generator under their plain state names: "ema" or "raw". Live, not copied.
  virtual NamedTensors weights(const std::string& which) = 0;
  // The learning rate's course ends at `images` from now on.
  virtual void EndAt(int64_t images) = 0;
  // Losses [rows,N] of given pictures (uint8 [N,H,W,C] on the device) by copies of the weights as they are,
  // without gradients. Draws nothing from the streams of training. What `args` holds is the kind's.
  virtual at::Tensor Loss(const at::Tensor& pixels, const Spec& args) = 0;
  // Those that replay its updates; null where none do.
  virtual const Graphs* graphs() const = 0;
};

}  // namespace shinsaku
