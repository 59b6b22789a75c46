// Checks what a batch holds on either store: pixels, indices and labels of the same pictures, over several epochs.
// One line of JSON a case, as ops_check.cc writes them. Run by test/native/data.test.ts.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/stack.h>

#include <cstdio>
#include <numeric>

#include "core/data/data_loader.h"

namespace shinsaku {
namespace {

constexpr int64_t kCount = 10, kSize = 4, kChannels = 3, kBatches = 9;

void Report(const std::string& name, bool same) {
  std::printf("{\"name\": \"%s\", \"same\": %d}\n", name.c_str(), same ? 1 : 0);
}

int64_t Sum(const std::vector<int64_t>& sizes) { return std::accumulate(sizes.begin(), sizes.end(), int64_t{0}); }

Bytes BytesOfTensor(const at::Tensor& x) { return {x.const_data_ptr<uint8_t>(), x.nbytes()}; }

void Check(DataOrder order, bool flip, bool resident) {
  const at::NoGradGuard no_grad;
  const std::string name = std::string(order == DataOrder::kEpochs ? "epochs" : "replacement") +
                           (flip ? ", mirrored" : "") + (resident ? ", resident" : ", read");
  const at::Tensor pixels = at::randint(256, {kCount, kSize, kSize, kChannels}, at::kByte);
  // The label of a picture says which one it is.
  const at::Tensor number = at::arange(kCount, at::kFloat);
  const at::Tensor labels = at::stack({number, number * 10}, 1).contiguous();
  const Floats rows(labels.const_data_ptr<float>(), static_cast<size_t>(labels.numel()));
  const auto images = std::dynamic_pointer_cast<ImageSet>(
      MakeImages(resident ? std::optional(BytesOfTensor(pixels)) : std::nullopt, pixels.sizes().vec(), "cpu", rows));
  const Spec spec{{"batch", 4.0}, {"flip", flip}, {"loaderWorkers", 2.0}};
  DataLoader loader(images, BatchSampler(spec, kCount, order, CpuGenerator(7)));

  BatchSampler ahead = loader.sampler().Fork(CpuGenerator(7));
  std::vector<BatchSampler::Batch> expected;
  std::vector<at::Tensor> unit;
  int64_t taken = 0;
  for (int64_t i = 0; i < kBatches; ++i) {
    expected.push_back(ahead.Next());
    unit.push_back(pixels.index_select(0, expected.back().indices));
    taken += expected.back().indices.numel();
  }
  Report(name + ": counted", Sum(loader.sampler().SizesOf(kBatches)) == taken);

  const at::Tensor all = at::cat(unit);
  loader.BeginUnit(kBatches, resident ? std::nullopt : std::optional(BytesOfTensor(all)));
  for (int64_t i = 0; i < kBatches; ++i) {
    const auto& [indices, mirrored] = expected[static_cast<size_t>(i)];
    const Batch batch = loader.Next(PixelRange::kDcgan);
    const std::string at = name + ", batch " + std::to_string(i);
    Report(at + ": indices", at::equal(batch.indices, indices));
    Report(at + ": labels", at::equal(batch.labels, labels.index_select(0, indices)));
    Report(at + ": pixels",
           at::equal(batch.x, ToFloat(pixels.index_select(0, indices), mirrored, PixelRange::kDcgan)));
  }
}

}  // namespace
}  // namespace shinsaku

int main() {
  for (const auto order : {shinsaku::DataOrder::kEpochs, shinsaku::DataOrder::kReplacement})
    for (const bool flip : {false, true})
      for (const bool resident : {false, true}) shinsaku::Check(order, flip, resident);
}
