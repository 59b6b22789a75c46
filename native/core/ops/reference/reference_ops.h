// The reference ops set: ATen calls in the order of the PyTorch reference, so the same bits on the CPU.
#pragma once

#include "core/ops/ops.h"

namespace shinsaku {

class ReferenceOps : public Ops {
 public:
  const char* name() const override { return "reference"; }

  Tensor Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) override;
  Tensor ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                       int64_t output_padding) override;
  Tensor Linear(const Tensor& x, const LinearWeights& w) override;
  Tensor Activate(const Tensor& x, Activation activation) override;
  Tensor NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                      const Tensor& shift) override;
  Tensor Norm(const Tensor& x, const NormWeights& w) override;
  Tensor LinearAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor FullAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor Down(const Tensor& x, const ConvWeights& w, DownKind kind) override;
  Tensor Up(const Tensor& x, const ConvWeights& w) override;
  Tensor Add(const Tensor& a, const Tensor& b) override;
  Tensor Concat(const Tensor& a, const Tensor& b) override;
  Tensor BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics) override;
};

}  // namespace shinsaku
