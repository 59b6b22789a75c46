// The ops sets there are, and the operations that are made of others.
#include "core/ops/ops.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include "core/api.h"
#include "core/ops/cpu/cpu_ops.h"
#include "core/ops/cpu/train/train_ops.h"
#include "core/ops/cuda/cuda_ops.h"
#include "core/ops/reference/reference_ops.h"

namespace shinsaku {
namespace {

// The reference, or `Set` over the kernels of that name.
template <typename Set>
std::unique_ptr<Ops> Make(const std::string& name) {
  if (name == kCudaOps) return std::make_unique<CudaOps>();
  const cpu::Kernels* kernels = cpu::KernelsNamed(name);
  if (!kernels) return MakeReferenceOps();
  return std::make_unique<Set>(*kernels);
}

}  // namespace

std::unique_ptr<Ops> MakeReferenceOps() { return std::make_unique<ReferenceOps>(); }

std::unique_ptr<Ops> MakeOps(const std::string& name) { return Make<CpuOps>(name); }

std::unique_ptr<Ops> MakeTrainingOps(const std::string& name) { return Make<TrainOps>(name); }

std::vector<std::string> CpuOpsNames() {
  std::vector<std::string> names;
  for (const cpu::Kernels* kernels : cpu::AllKernels()) names.push_back(kernels->name);
  return names;
}

Tensor Ops::Sinusoids(const Tensor& t, const Tensor& frequencies) {
  const Tensor angles = t.unsqueeze(1) * frequencies.unsqueeze(0);  // [N,half]
  return at::cat({angles.sin(), angles.cos()}, -1);
}

Tensor Ops::Keep(const Tensor& x) { return x.clone(); }

Tensor Ops::ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                             const Tensor& scale, const Tensor& shift) {
  return NormFilmSilu(Conv(x, conv, 1, 1), norm, scale, shift);
}

Tensor Ops::ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                            const Residual& residual) {
  const Tensor h = NormFilmSilu(Conv(x, conv, 1, 1), norm, {}, {});
  Enter(residual.layer);
  return Add(h, residual.shortcut.weight.defined() ? Conv(residual.x, residual.shortcut, 1, 0) : residual.x);
}

Tensor Ops::AddLinearAttention(const Tensor& x, const AttentionWeights& w) {
  return Add(LinearAttention(x, w), x);
}

Tensor Ops::AddFullAttention(const Tensor& x, const AttentionWeights& w) {
  return Add(FullAttention(x, w), x);
}

Tensor Ops::BatchNormActivate(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                              Activation activation) {
  return Activate(BatchNorm(x, w, statistics), activation);
}

void RequireSeveralValues(const Tensor& x) {
  if (x.numel() / x.size(1) > 1) return;
  throw Failure("DATA_TOO_FEW",
                "batch norm needs at least 2 values of each unit, but one picture has only 1 in this layer; "
                "use a batch of 2 or more pictures, or bn \"running\" to draw a single one");
}

}  // namespace shinsaku
