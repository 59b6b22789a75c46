// The cpu sets that train. TwiceOps has second derivatives, and little that is faster than the reference;
// TrainOps: vector kernels forward and back where channels are whole vectors, PyTorch's operations on
// channels-last maps elsewhere. Not the reference's bits; the same bits again on as many threads.
#pragma once

#include "core/ops/cpu/context.h"
#include "core/ops/ops.h"

namespace shinsaku {

class TwiceOps : public Ops {
 public:
  Tensor Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                  std::array<int64_t, 2> padding) override;
};

class TrainOps : public Ops {
 public:
  explicit TrainOps(const cpu::Kernels& kernels) : cx_(kernels) {}
  const char* name() const override { return cx_.kernels.name; }
  void Begin() override { cx_.Begin(); }
  at::MemoryFormat WeightFormat(const Tensor& weight) const override;

  Tensor Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) override;
  Tensor ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                       int64_t output_padding) override;
  Tensor NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                      const Tensor& shift) override;
  Tensor Norm(const Tensor& x, const NormWeights& w) override;
  Tensor Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                  std::array<int64_t, 2> padding) override;
  Tensor StyledActivation(const Tensor& x, const StyledEnd& end) override;
  Tensor LinearAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor Down(const Tensor& x, const ConvWeights& w, DownKind kind) override;
  Tensor Up(const Tensor& x, const ConvWeights& w) override;
  Tensor Concat(const Tensor& a, const Tensor& b) override;
  Tensor Keep(const Tensor& x) override { return x; }
  Tensor ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                         const Residual& residual) override;

 private:
  bool Whole(int64_t channels) const { return channels % cx_.kernels.vector_width == 0; }
  bool Whole(const Tensor& x) const {
    return x.dim() == 4 && x.scalar_type() == at::kFloat && Whole(x.size(1));
  }
  bool Whole(const Tensor& x, const ConvWeights& w) const { return Whole(x) && Whole(w.weight.size(0)); }
  // What TrainPhased() asks of a weight [small,large,k,k].
  bool WholePanels(const Tensor& x, const ConvWeights& w) const {
    return Whole(x) && Whole(w.weight.size(0)) && w.weight.size(1) % cx_.kernels.panel == 0;
  }

  cpu::Context cx_;
};

}  // namespace shinsaku
