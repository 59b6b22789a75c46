// Which pictures a trainer sees, in which order and which of them mirrored.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/api.h"
#include "core/data/pixels.h"
#include "core/nn/parameters.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/random.h"

namespace shinsaku {

struct ImageSet : Images {
  int64_t HostBytes() const override { return HostBytesOf(pixels); }
  at::Tensor pixels;  // uint8 [N,H,W,C] on the device
};

enum class DataOrder {
  kEpochs,       // a PyTorch DataLoader with shuffle: every picture once an epoch, short last batch kept
  kReplacement,  // each picture of each batch drawn independently, as the Chainer DCGAN does; batches are
                 // full
};

class DataLoader {
 public:
  // Reads "batch", "flip" and "loaderWorkers" of the spec. Draws nothing before the first batch.
  DataLoader(const Spec& spec, std::shared_ptr<const ImageSet> images, DataOrder order, at::Generator cpu);

  // The next batch, [b,C,H,W] in [-1,1] on the device: the first of those that Prefetch() drew, where it drew
  // any.
  at::Tensor Next(PixelRange range);

  // Draws the next `batches` into tensors of the device that stay the same for the same sizes, and returns
  // these sizes. What Next() then does is the device's alone.
  std::vector<int64_t> Prefetch(int64_t batches);

  int64_t images_seen() const;
  int64_t epoch() const;  // epochs begun - 1

  // Live tensors that hold the position, for checkpoints: progress.*
  NamedTensors state() const;
  // To be called after the tensors of state() were overwritten: brings the workers to the position.
  void Restore();

 private:
  // Which pictures, I64 [b], and which of them are mirrored, BOOL [b].
  struct Batch {
    at::Tensor indices, mirrored;
  };
  Batch Draw();
  at::Tensor NextOfEpoch(at::Tensor& mirrored);
  at::Tensor NextDrawn(at::Tensor& mirrored);
  void BeginEpoch();
  void SeedWorkers();
  // Throws CHECKPOINT_INVALID where the tensors of state() hold what no run can have: they came from a file.
  void RequireSound() const;
  // One uniform draw for each picture of a batch, from the worker that loads it.
  at::Tensor DrawMirrored(int64_t batch_index, int64_t count);

  std::shared_ptr<const ImageSet> images_;
  DataOrder order_;
  at::Generator cpu_;
  int64_t batch_;
  bool flip_;
  std::vector<at::Generator> workers_;
  at::Tensor position_;    // I64 [4]: images seen, epochs begun, next index and next batch in the epoch
  at::Tensor epoch_seed_;  // I64 [1]: base seed of the epoch, which seeds the workers
  at::Tensor order_now_;   // I64 [N]: this epoch's permutation
  std::map<std::vector<int64_t>, std::vector<Batch>> prefetched_buffers_;  // on the device, by their sizes
  std::vector<Batch> prefetched_;  // those not taken yet, the next one last
};

}  // namespace shinsaku
