// The cpu ops set: forward passes by vector kernels, NHWC from end to end, without concatenated or doubled
// maps. A picture's bits depend neither on the batch it is in nor on the number of threads.
#pragma once

#include "core/ops/cpu/context.h"
#include "core/ops/ops.h"

namespace shinsaku {

// For weights that never change: their packed forms are made once. Keeps no graph for a backward pass.
class CpuOps : public Ops {
 public:
  explicit CpuOps(const cpu::Kernels& kernels) : cx_(kernels) {}
  const char* name() const override { return cx_.kernels.name; }
  int64_t PackedBytes(const Tensor& weight) const override { return cx_.weights.BytesFor(weight); }
  void Begin() override { cx_.Begin(); }

  Tensor Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) override;
  Tensor ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                       int64_t output_padding) override;
  Tensor Linear(const Tensor& x, const LinearWeights& w) override;
  Tensor Activate(const Tensor& x, Activation activation) override;
  Tensor Sinusoids(const Tensor& t, const Tensor& frequencies) override;
  Tensor NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                      const Tensor& shift) override;
  Tensor Norm(const Tensor& x, const NormWeights& w) override;
  Tensor Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                  std::array<int64_t, 2> padding) override;
  Tensor StyledActivation(const Tensor& x, const StyledEnd& end) override;
  Tensor LinearAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor FullAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor Down(const Tensor& x, const ConvWeights& w, DownKind kind) override;
  Tensor Up(const Tensor& x, const ConvWeights& w) override;
  Tensor Concat(const Tensor& a, const Tensor& b) override;
  Tensor BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                   Activation activation) override;
  Tensor Keep(const Tensor& x) override { return x; }
  Tensor ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                          const Tensor& scale, const Tensor& shift) override;
  Tensor ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                         const Residual& residual) override;

 private:
  cpu::Context cx_;
};

}  // namespace shinsaku
