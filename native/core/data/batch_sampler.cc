// Which pictures each batch holds: the draws of PyTorch's DataLoader, or independent ones as the Chainer
// DCGAN makes them.
#include "core/data/batch_sampler.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/runtime/host_tensor.h"
#include "core/state_names.h"

namespace shinsaku {
namespace {

enum Position { kSeen, kEpochs, kNextIndex, kNextBatch };

int64_t& At(const at::Tensor& position, Position field) {
  return position.mutable_data_ptr<int64_t>()[field];
}

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// torch.rand(1), the draw of torchvision's RandomHorizontalFlip.
bool Coin(at::Generator& generator) { return at::rand({1}, generator, at::kFloat).item<float>() < 0.5F; }

void RequireSound(const at::Tensor& position, const at::Tensor& order) {
  const int64_t count = order.numel();
  const auto* at = position.const_data_ptr<int64_t>();
  const auto* indices = order.const_data_ptr<int64_t>();
  const bool sound =
      std::all_of(at, at + position.numel(), [](int64_t value) { return value >= 0; }) &&
      at[kNextIndex] <= count &&
      std::all_of(indices, indices + count, [&](int64_t index) { return index >= 0 && index < count; });
  if (!sound)
    throw Failure("CHECKPOINT_INVALID",
                  "the checkpoint's position in the pictures is none that a run can have");
}

}  // namespace

BatchSampler::BatchSampler(const Spec& spec, int64_t pictures, DataOrder order, at::Generator cpu)
    : order_(order),
      cpu_(std::move(cpu)),
      batch_(Integer(spec, "batch")),
      flip_(Flag(spec, "flip")),
      workers_(static_cast<size_t>(Integer(spec, "loaderWorkers"))),
      position_(at::zeros({4}, at::kLong)),
      epoch_seed_(at::zeros({1}, at::kLong)),
      order_now_(at::arange(pictures, at::kLong)) {
  At(position_, kNextIndex) = pictures;  // the first batch begins an epoch
  SeedWorkers();
}

BatchSampler BatchSampler::Fork(at::Generator cpu) const {
  BatchSampler fork = *this;
  fork.cpu_ = std::move(cpu);
  for (at::Generator& worker : fork.workers_) worker = worker.clone();
  for (at::Tensor* tensor : {&fork.position_, &fork.epoch_seed_, &fork.order_now_}) *tensor = tensor->clone();
  return fork;
}

BatchSampler::Batch BatchSampler::Next() {
  Batch batch;
  batch.indices = order_ == DataOrder::kEpochs ? NextOfEpoch(batch.mirrored) : NextDrawn(batch.mirrored);
  At(position_, kSeen) += batch.indices.numel();
  return batch;
}

at::Tensor BatchSampler::NextOfEpoch(at::Tensor& mirrored) {
  if (At(position_, kNextIndex) >= order_now_.numel()) BeginEpoch();
  const int64_t begin = At(position_, kNextIndex);
  const int64_t count = std::min(batch_, order_now_.numel() - begin);
  mirrored = DrawMirrored(At(position_, kNextBatch), count);
  At(position_, kNextIndex) += count;
  At(position_, kNextBatch) += 1;
  // A copy: the next epoch's order is written over this one's.
  return order_now_.slice(0, begin, begin + count).clone();
}

at::Tensor BatchSampler::NextDrawn(at::Tensor& mirrored) {
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

std::vector<int64_t> BatchSampler::SizesOf(int64_t batches) const {
  const int64_t pictures = order_now_.numel();
  std::vector<int64_t> sizes;
  int64_t left = order_ == DataOrder::kReplacement ? 0 : pictures - At(position_, kNextIndex);
  for (int64_t i = 0; i < batches; ++i) {
    if (order_ == DataOrder::kEpochs && left == 0) left = pictures;
    const int64_t size = order_ == DataOrder::kReplacement ? batch_ : std::min(batch_, left);
    sizes.push_back(size);
    left -= size;
  }
  return sizes;
}

bool BatchSampler::DependsOnDraws(int64_t batches) const {
  return order_ == DataOrder::kReplacement ||
         batches > CeilDiv(order_now_.numel() - At(position_, kNextIndex), batch_);
}

// torch.utils.data: the iterator draws the workers' base seed, then the sampler seeds its own generator.
void BatchSampler::BeginEpoch() {
  epoch_seed_.fill_(DrawSeed(cpu_));
  at::Generator shuffle = CpuGenerator(static_cast<uint64_t>(DrawSeed(cpu_)));
  order_now_.copy_(at::randperm(order_now_.numel(), shuffle, at::kLong));
  At(position_, kEpochs) += 1;
  At(position_, kNextIndex) = 0;
  At(position_, kNextBatch) = 0;
  SeedWorkers();
}

void BatchSampler::SeedWorkers() {
  const auto base = static_cast<uint64_t>(epoch_seed_.item<int64_t>());
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i] = CpuGenerator(base + i);
}

void BatchSampler::ReplayWorkers() {
  SeedWorkers();
  if (order_ != DataOrder::kEpochs || At(position_, kEpochs) == 0) return;
  const int64_t end = At(position_, kNextIndex);
  for (int64_t index = 0, batch = 0; index < end; ++batch) {
    const int64_t count = std::min(batch_, order_now_.numel() - index);
    DrawMirrored(batch, count);
    index += count;
  }
}

at::Tensor BatchSampler::DrawMirrored(int64_t batch_index, int64_t count) {
  const at::Tensor mirrored = at::zeros({count}, at::kBool);
  if (!flip_) return mirrored;
  at::Generator& worker = workers_[static_cast<size_t>(batch_index) % workers_.size()];
  for (int64_t i = 0; i < count; ++i) mirrored.mutable_data_ptr<bool>()[i] = Coin(worker);
  return mirrored;
}

int64_t BatchSampler::images_seen() const { return At(position_, kSeen); }

int64_t BatchSampler::epoch() const { return std::max<int64_t>(At(position_, kEpochs) - 1, 0); }

NamedTensors BatchSampler::state() const {
  using namespace state_names;
  return {{kPosition, position_}, {kEpochSeed, epoch_seed_}, {kOrder, order_now_}};
}

void BatchSampler::Load(const NamedTensors& values, LoadedPictures pictures) {
  const NamedTensors live = state();
  NamedTensors next;
  for (const auto& [name, tensor] : live) next.push_back({name, tensor.clone()});
  for (const auto& [name, value] : values) {
    if (pictures == LoadedPictures::kOther && name == state_names::kOrder) continue;
    for (const NamedTensor& target : next)
      if (target.name == name) CopyInto(target, value);
  }
  const at::Tensor &position = next[0].tensor, &order = next[2].tensor;
  if (pictures == LoadedPictures::kOther) At(position, kNextIndex) = order.numel();
  RequireSound(position, order);
  for (size_t i = 0; i < live.size(); ++i) CopyInto(live[i], next[i].tensor);
  ReplayWorkers();
}

void BatchSampler::StartAt(int64_t images) {
  const int64_t pictures = order_now_.numel();
  At(position_, kSeen) = images;
  At(position_, kEpochs) = CeilDiv(images, pictures);
  At(position_, kNextIndex) = pictures;
  At(position_, kNextBatch) = CeilDiv(pictures, batch_);
}

}  // namespace shinsaku
