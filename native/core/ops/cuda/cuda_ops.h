// The CUDA ops set: convolutions in NHWC and one kernel for a norm and what follows it, forward and backward.
#pragma once

#include "core/ops/ops.h"

namespace shinsaku {

class CudaOps : public Ops {
 public:
  const char* name() const override { return kCudaOps; }
  at::MemoryFormat WeightFormat(const Tensor& weight) const override;

  Tensor Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) override;
  Tensor ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                       int64_t output_padding) override;
  Tensor Norm(const Tensor& x, const NormWeights& w) override;
  Tensor NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                      const Tensor& shift) override;
  Tensor LinearAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor Down(const Tensor& x, const ConvWeights& w, DownKind kind) override;
  Tensor ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                          const Tensor& scale, const Tensor& shift) override;
  Tensor ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                         const Residual& residual) override;
};

}  // namespace shinsaku
