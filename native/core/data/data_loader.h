// Turns what the sampler picks into batches on the device, of resident pictures or of rows given for a unit.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/api.h"
#include "core/data/batch_sampler.h"
#include "core/data/image_set.h"
#include "core/data/pixels.h"
#include "core/distributed/communicator.h"

namespace shinsaku {

struct Batch {
  at::Tensor x;         // [b,C,H,W] float in [-1,1], or as the range has it
  at::Tensor indices;   // I64 [b]
  at::Tensor mirrored;  // BOOL [b]
  at::Tensor labels;    // F32 [b,width]; undefined where the pictures have none
  int64_t total = 0;    // rows of all processes of a group together; b where there is one
};

class DataLoader {
 public:
  DataLoader(std::shared_ptr<const ImageSet> images, BatchSampler sampler);

  // Batches hold these rows of what the sampler picks from now on.
  void Take(Share share) { share_ = share; }
  Share share() const { return share_; }

  // The next batch, on the device: the first of those that Prefetch() drew, where it drew any.
  Batch Next(PixelRange range);

  // Draws the next `batches` into tensors of the device that stay the same for the same sizes, and returns
  // these sizes. What Next() then does is the device's alone.
  std::vector<int64_t> Prefetch(int64_t batches);

  // The pixels of a unit of `batches`, in the order in which they will be taken; the caller keeps them alive
  // until the unit ends. Throws NATIVE_FAILED where they are not those of so many batches, or where the set
  // is resident and needs none.
  void BeginUnit(int64_t batches, std::optional<Bytes> pixels);

  BatchSampler& sampler() { return sampler_; }
  const BatchSampler& sampler() const { return sampler_; }

 private:
  // Of one batch: which pictures, which of them are mirrored, and the pixels where they are not resident.
  struct Rows {
    at::Tensor indices, mirrored, pixels;
    int64_t total = 0;
  };
  // On the CPU.
  Rows Draw();

  std::shared_ptr<const ImageSet> images_;
  BatchSampler sampler_;
  Share share_;
  at::Tensor unit_;    // uint8 [rows,H,W,C] of the caller; undefined where the set is resident
  int64_t taken_ = 0;  // of its rows
  std::map<std::vector<int64_t>, std::vector<Rows>> prefetched_buffers_;  // on the device, by their sizes
  std::vector<Rows> prefetched_;  // those not taken yet, the next one last
};

}  // namespace shinsaku
