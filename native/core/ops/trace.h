// An ops set that computes nothing but shapes, on the meta device, and writes down each layer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/ops/ops.h"

namespace shinsaku {

class TraceOps : public Ops {
 public:
  const char* name() const override { return "trace"; }
  void Enter(const std::string& layer) override { layer_ = layer; }

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

  std::vector<Layer> layers;
  double activation_bytes = 0;

 private:
  Tensor Record(const char* operation, const Tensor& x, at::IntArrayRef shape, int64_t parameters,
                double saved_elements);
  std::string layer_;
};

}  // namespace shinsaku
