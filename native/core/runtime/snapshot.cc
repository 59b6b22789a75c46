// Values of one moment, to measure how far those of another are from them.
#include "core/runtime/snapshot.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/runtime/cancel.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {
namespace {

// A tensor whose norm is below this share of an average one's is held against that.
constexpr double kLeastShare = 0.02;

double SumOfSquares(const at::Tensor& x) { return x.to(at::kDouble).square().sum().item<double>(); }

double SumOfSquares(const at::Tensor& a, const at::Tensor& b) {
  ThrowIfCancelled();
  return (a.to(at::kDouble) - b).square().sum().item<double>();
}

// NaN is further than anything.
double OrInfinity(double distance) {
  return std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance;
}

class HostSnapshot : public Snapshot {
 public:
  explicit HostSnapshot(NamedTensors values) : values_(std::move(values)) {}

  int64_t HostBytes() const override { return HostBytesOf(values_); }

  double Distance(const Snapshot& other) const override {
    const NamedTensors& reference = Alike(other);
    std::vector<double> squares;
    double all = 0, elements = 0;
    for (const auto& [name, tensor] : reference) {
      all += squares.emplace_back(SumOfSquares(tensor));
      elements += static_cast<double>(tensor.numel());
    }
    double furthest = 0;
    for (size_t i = 0; i < reference.size(); ++i) {
      const at::Tensor& expected = reference[i].tensor;
      const double least = kLeastShare * kLeastShare * all / elements * static_cast<double>(expected.numel());
      const double size = std::sqrt(std::max(squares[i], least));
      const double apart = std::sqrt(SumOfSquares(values_[i].tensor, expected));
      furthest = std::max(furthest, OrInfinity(size > 0 ? apart / size : apart));
    }
    return furthest;
  }

  double DistanceOfMoves(const Snapshot& from, const Snapshot& other) const override {
    const NamedTensors &start = Alike(from), &reference = Alike(other);
    double apart = 0, moved = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      apart += SumOfSquares(values_[i].tensor, reference[i].tensor);
      moved += SumOfSquares(reference[i].tensor, start[i].tensor);
    }
    return OrInfinity(moved > 0 ? std::sqrt(apart / moved) : std::sqrt(apart));
  }

 private:
  // The tensors of `other`, which must be those of the same network in the same order.
  const NamedTensors& Alike(const Snapshot& other) const {
    const NamedTensors& theirs = dynamic_cast<const HostSnapshot&>(other).values_;
    const bool alike = std::ranges::equal(values_, theirs, [](const NamedTensor& a, const NamedTensor& b) {
      return a.name == b.name && a.tensor.sizes() == b.tensor.sizes();
    });
    if (!alike)
      throw Failure("NATIVE_FAILED",
                    "snapshots can be compared where they are of the same tensors of the same network");
    return theirs;
  }

  NamedTensors values_;  // float32, on the CPU
};

}  // namespace

std::unique_ptr<Snapshot> CopySnapshot(const NamedTensors& values) {
  const at::NoGradGuard no_grad;
  NamedTensors copies;
  for (const auto& [name, tensor] : values) {
    if (tensor.scalar_type() == at::kFloat)
      copies.push_back({name, tensor.detach().to(at::kCPU, at::kFloat, false, /*copy=*/true)});
  }
  return std::make_unique<HostSnapshot>(std::move(copies));
}

}  // namespace shinsaku
