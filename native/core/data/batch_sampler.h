// Which pictures each batch of a run holds, in which order, and which of them are mirrored.
#pragma once

#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"
#include "core/runtime/random.h"

namespace shinsaku {

enum class DataOrder {
  kEpochs,       // a PyTorch DataLoader with shuffle: every picture once an epoch, short last batch kept
  kReplacement,  // each picture of each batch drawn independently, as the Chainer DCGAN does; batches are
                 // full
};

class BatchSampler {
 public:
  // Reads "batch", "flip" and "loaderWorkers" of the spec. Draws nothing before the first batch.
  BatchSampler(const Spec& spec, int64_t pictures, DataOrder order, at::Generator cpu);

  // One that goes on from here and draws from `cpu`; what it does changes nothing here.
  BatchSampler Fork(at::Generator cpu) const;

  // Which pictures, I64 [b], and which of them are mirrored, BOOL [b]; on the CPU.
  struct Batch {
    at::Tensor indices, mirrored;
  };
  Batch Next();

  // How many pictures each of the next `batches` holds.
  std::vector<int64_t> SizesOf(int64_t batches) const;
  // Whether what the next `batches` hold depends on draws that are still to be made.
  bool DependsOnDraws(int64_t batches) const;

  int64_t images_seen() const;
  int64_t epoch() const;  // epochs begun - 1

  // Live tensors that hold the position, for checkpoints: progress.*
  NamedTensors state() const;
  // Takes over all or some of state(). Of other pictures the order is left out, and the epoch ends where it
  // is. Throws CHECKPOINT_INVALID, and changes nothing, where no run can be at such a place: it came from a
  // file.
  void Load(const NamedTensors& values, LoadedPictures pictures);
  // `images` were seen elsewhere, in whole epochs; the next batch begins one.
  void StartAt(int64_t images);

 private:
  at::Tensor NextOfEpoch(at::Tensor& mirrored);
  at::Tensor NextDrawn(at::Tensor& mirrored);
  void BeginEpoch();
  void SeedWorkers();
  // Brings the workers to the position.
  void ReplayWorkers();
  // One uniform draw for each picture of a batch, from the worker that loads it.
  at::Tensor DrawMirrored(int64_t batch_index, int64_t count);

  DataOrder order_;
  at::Generator cpu_;
  int64_t batch_;
  bool flip_;
  std::vector<at::Generator> workers_;
  at::Tensor position_;    // I64 [4]: images seen, epochs begun, next index and next batch in the epoch
  at::Tensor epoch_seed_;  // I64 [1]: base seed of the epoch, which seeds the workers
  at::Tensor order_now_;   // I64 [N]: this epoch's permutation
};

}  // namespace shinsaku
