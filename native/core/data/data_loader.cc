// Turns what the sampler picks into batches on the device.
#include "core/data/data_loader.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>

namespace shinsaku {

DataLoader::DataLoader(std::shared_ptr<const ImageSet> images, BatchSampler sampler)
    : images_(std::move(images)), sampler_(std::move(sampler)) {}

DataLoader::Rows DataLoader::Draw() {
  const auto [all, all_mirrored] = sampler_.Next();
  const at::Tensor indices = share_.Rows(all), mirrored = share_.Rows(all_mirrored);
  if (images_->resident()) return {indices, mirrored, {}, all.numel()};
  const int64_t begin = taken_;
  taken_ += indices.numel();
  return {indices, mirrored, unit_.slice(0, begin, taken_), all.numel()};
}

Batch DataLoader::Next(PixelRange range) {
  Rows rows;
  if (prefetched_.empty()) {
    rows = Draw();
    for (at::Tensor* tensor : {&rows.indices, &rows.mirrored, &rows.pixels})
      if (tensor->defined()) *tensor = tensor->to(images_->device);
  } else {
    rows = std::move(prefetched_.back());
    prefetched_.pop_back();
  }
  const at::Tensor& labels = images_->labels;
  return {ToFloat(images_->resident() ? images_->pixels.index_select(0, rows.indices) : rows.pixels,
                  rows.mirrored, range),
          rows.indices, rows.mirrored, labels.defined() ? labels.index_select(0, rows.indices) : at::Tensor(),
          rows.total};
}

std::vector<int64_t> DataLoader::Prefetch(int64_t batches) {
  std::vector<Rows> drawn;
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < batches; ++i) sizes.push_back(drawn.emplace_back(Draw()).indices.numel());
  auto& buffers = prefetched_buffers_[sizes];
  const auto move = [&](const at::Tensor& host, at::Tensor& target) {
    if (!host.defined()) return;
    if (!target.defined()) target = at::empty_like(host, host.options().device(images_->device));
    // Pinned memory lets the copy go on beside the updates that are still running.
    target.copy_(host.pin_memory(), true);
  };
  buffers.resize(drawn.size());
  for (size_t i = 0; i < drawn.size(); ++i) {
    move(drawn[i].indices, buffers[i].indices);
    move(drawn[i].mirrored, buffers[i].mirrored);
    move(drawn[i].pixels, buffers[i].pixels);
    buffers[i].total = drawn[i].total;
  }
  prefetched_.assign(buffers.rbegin(), buffers.rend());
  return sizes;
}

void DataLoader::BeginUnit(int64_t batches, std::optional<Bytes> pixels) {
  const auto fail = [](const std::string& message) { throw Failure("NATIVE_FAILED", message); };
  unit_ = at::Tensor();
  taken_ = 0;
  if (images_->resident()) {
    if (pixels) fail("the pictures are resident, so step() takes no pixels");
    return;
  }
  std::vector<int64_t> shape = images_->shape;
  shape[0] = 0;
  for (const int64_t size : sampler_.SizesOf(batches)) shape[0] += share_.Count(size);
  const int64_t expected = shape[0] * shape[1] * shape[2] * shape[3];
  const std::string wanted = "the " + std::to_string(expected) + " bytes of the " + std::to_string(shape[0]) +
                             " pictures that plan() names";
  if (!pixels) fail("the pictures are not resident, so step() needs " + wanted);
  if (pixels->size() != static_cast<size_t>(expected))
    fail("step() needs " + wanted + ", but was given " + std::to_string(pixels->size()));
  // from_blob only reads.
  unit_ = at::from_blob(const_cast<uint8_t*>(pixels->data()), shape, at::kByte);
}

}  // namespace shinsaku
