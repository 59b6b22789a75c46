// Which pictures a trainer sees: the DataLoader's draws, or independent draws as the Chainer DCGAN makes
// them.
#include "core/data/data_loader.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace shinsaku {
namespace {

enum Position { kSeen, kEpochs, kNextIndex, kNextBatch };

int64_t& At(const at::Tensor& position, Position field) {
  return position.mutable_data_ptr<int64_t>()[field];
}

// torch.rand(1), the draw of torchvision's RandomHorizontalFlip.
bool Coin(at::Generator& generator) { return at::rand({1}, generator, at::kFloat).item<float>() < 0.5F; }

}  // namespace

DataLoader::DataLoader(const Spec& spec, std::shared_ptr<const ImageSet> images, DataOrder order,
                       at::Generator cpu)
    : images_(std::move(images)),
      order_(order),
      cpu_(std::move(cpu)),
      batch_(Integer(spec, "batch")),
      flip_(Flag(spec, "flip")),
      workers_(static_cast<size_t>(Integer(spec, "loaderWorkers"))),
      position_(at::zeros({4}, at::kLong)),
      epoch_seed_(at::zeros({1}, at::kLong)),
      order_now_(at::arange(images_->pixels.size(0), at::kLong)) {
  At(position_, kNextIndex) = order_now_.numel();  // the first batch begins an epoch
  SeedWorkers();
}

DataLoader::Batch DataLoader::Draw() {
  Batch batch;
  batch.indices = order_ == DataOrder::kEpochs ? NextOfEpoch(batch.mirrored) : NextDrawn(batch.mirrored);
  At(position_, kSeen) += batch.indices.numel();
  return batch;
}

at::Tensor DataLoader::Next(PixelRange range) {
  const at::Device device = images_->pixels.device();
  Batch batch;
  if (prefetched_.empty()) {
    batch = Draw();
    batch = {batch.indices.to(device), batch.mirrored.to(device)};
  } else {
    batch = std::move(prefetched_.back());
    prefetched_.pop_back();
  }
  return ToFloat(images_->pixels.index_select(0, batch.indices), batch.mirrored, range);
}

std::vector<int64_t> DataLoader::Prefetch(int64_t batches) {
  std::vector<Batch> drawn;
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < batches; ++i) sizes.push_back(drawn.emplace_back(Draw()).indices.numel());
  auto& buffers = prefetched_buffers_[sizes];
  const auto moved = [&](const at::Tensor& host, at::Tensor& target) {
    if (!target.defined()) target = at::empty_like(host, host.options().device(images_->pixels.device()));
    // Pinned memory lets the copy go on beside the updates that are still running.
    target.copy_(host.pin_memory(), true);
  };
  buffers.resize(drawn.size());
  for (size_t i = 0; i < drawn.size(); ++i) {
    moved(drawn[i].indices, buffers[i].indices);
    moved(drawn[i].mirrored, buffers[i].mirrored);
  }
  prefetched_.assign(buffers.rbegin(), buffers.rend());
  return sizes;
}

at::Tensor DataLoader::NextOfEpoch(at::Tensor& mirrored) {
  if (At(position_, kNextIndex) >= order_now_.numel()) BeginEpoch();
  const int64_t begin = At(position_, kNextIndex);
  const int64_t count = std::min(batch_, order_now_.numel() - begin);
  mirrored = DrawMirrored(At(position_, kNextBatch), count);
  At(position_, kNextIndex) += count;
  At(position_, kNextBatch) += 1;
  return order_now_.slice(0, begin, begin + count);
}

at::Tensor DataLoader::NextDrawn(at::Tensor& mirrored) {
  const at::Tensor indices = at::empty({batch_}, at::kLong);
  mirrored = at::zeros({batch_}, at::kBool);
  for (int64_t i = 0; i < batch_; ++i) {
    indices.mutable_data_ptr<int64_t>()[i] =
        at::randint(order_now_.numel(), {1}, cpu_, at::kLong).item<int64_t>();
    if (flip_)
      mirrored.mutable_data_ptr<bool>()[i] = at::randint(2, {1}, cpu_, at::kLong).item<int64_t>() == 1;
  }
  At(position_, kEpochs) = (At(position_, kSeen) + batch_ - 1) / order_now_.numel() + 1;
  return indices;
}

// torch.utils.data: the iterator draws the workers' base seed, then the sampler seeds its own generator.
void DataLoader::BeginEpoch() {
  epoch_seed_.fill_(DrawSeed(cpu_));
  at::Generator shuffle = CpuGenerator(static_cast<uint64_t>(DrawSeed(cpu_)));
  order_now_.copy_(at::randperm(order_now_.numel(), shuffle, at::kLong));
  At(position_, kEpochs) += 1;
  At(position_, kNextIndex) = 0;
  At(position_, kNextBatch) = 0;
  SeedWorkers();
}

void DataLoader::SeedWorkers() {
  const auto base = static_cast<uint64_t>(epoch_seed_.item<int64_t>());
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i] = CpuGenerator(base + i);
}

at::Tensor DataLoader::DrawMirrored(int64_t batch_index, int64_t count) {
  const at::Tensor mirrored = at::zeros({count}, at::kBool);
  if (!flip_) return mirrored;
  at::Generator& worker = workers_[static_cast<size_t>(batch_index) % workers_.size()];
  for (int64_t i = 0; i < count; ++i) mirrored.mutable_data_ptr<bool>()[i] = Coin(worker);
  return mirrored;
}

int64_t DataLoader::images_seen() const { return At(position_, kSeen); }

int64_t DataLoader::epoch() const { return std::max<int64_t>(At(position_, kEpochs) - 1, 0); }

NamedTensors DataLoader::state() const {
  return {
      {"progress.position", position_}, {"progress.epoch_seed", epoch_seed_}, {"progress.order", order_now_}};
}

void DataLoader::Restore() {
  RequireSound();
  SeedWorkers();
  if (order_ != DataOrder::kEpochs || At(position_, kEpochs) == 0) return;
  const int64_t end = At(position_, kNextIndex);
  for (int64_t index = 0, batch = 0; index < end; ++batch) {
    const int64_t count = std::min(batch_, order_now_.numel() - index);
    DrawMirrored(batch, count);
    index += count;
  }
}

void DataLoader::RequireSound() const {
  const int64_t count = order_now_.numel();
  const auto* position = position_.const_data_ptr<int64_t>();
  const auto* order = order_now_.const_data_ptr<int64_t>();
  const bool sound =
      std::all_of(position, position + position_.numel(), [](int64_t at) { return at >= 0; }) &&
      position[kNextIndex] <= count &&
      std::all_of(order, order + count, [&](int64_t index) { return index >= 0 && index < count; });
  if (!sound)
    throw Failure("CHECKPOINT_INVALID",
                  "the checkpoint's position in the pictures is none that a run can have");
}

}  // namespace shinsaku
