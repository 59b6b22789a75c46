// Averages gradients over the processes of a group.
#include "core/distributed/gradient_average.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

namespace shinsaku {
namespace {

// Bytes, as DistributedDataParallel has them.
constexpr int64_t kFirstBucket = 1 << 20, kBucket = 25 << 20;

int64_t BytesOf(const at::Tensor& parameter) {
  return parameter.numel() * static_cast<int64_t>(sizeof(float));
}

}  // namespace

GradientAverage::GradientAverage(std::shared_ptr<Communicator> group, std::vector<at::Tensor> parameters)
    : group_(std::move(group)) {
  // Backward reaches the last layers first.
  std::reverse(parameters.begin(), parameters.end());
  int64_t bytes = 0;
  for (const at::Tensor& parameter : parameters) {
    const int64_t most = buckets_.size() == 1 ? kFirstBucket : kBucket;
    if (buckets_.empty() || bytes + BytesOf(parameter) > most) buckets_.emplace_back(), bytes = 0;
    bytes += BytesOf(parameter);
    buckets_.back().parameters.push_back(parameter);
  }
  for (Bucket& bucket : buckets_) {
    int64_t count = 0;
    for (const at::Tensor& parameter : bucket.parameters) count += parameter.numel();
    bucket.flat = at::empty({count}, at::kFloat);
    int64_t begin = 0;
    for (const at::Tensor& parameter : bucket.parameters) {
      bucket.slices.push_back(bucket.flat.slice(0, begin, begin + parameter.numel()).view(parameter.sizes()));
      begin += parameter.numel();
    }
  }
}

void GradientAverage::Run() {
  const at::NoGradGuard no_grad;
  const auto share = static_cast<float>(1.0 / static_cast<double>(group_->share().size));
  std::vector<std::function<void()>> sums;
  for (Bucket& bucket : buckets_) {
    for (size_t i = 0; i < bucket.parameters.size(); ++i) {
      const at::Tensor& gradient = bucket.parameters[i].grad();
      if (gradient.defined()) {
        bucket.slices[i].copy_(gradient);
      } else {
        bucket.slices[i].zero_();
      }
    }
    sums.push_back(group_->AllReduce(bucket.flat.mul_(share)));
  }
  for (size_t b = 0; b < buckets_.size(); ++b) {
    sums[b]();
    for (size_t i = 0; i < buckets_[b].parameters.size(); ++i) {
      // In the gradient's own memory format, which the optimizer counts on.
      at::Tensor& gradient = buckets_[b].parameters[i].mutable_grad();
      if (!gradient.defined()) gradient = at::empty_like(buckets_[b].parameters[i]);
      gradient.copy_(buckets_[b].slices[i]);
    }
  }
}

}  // namespace shinsaku
