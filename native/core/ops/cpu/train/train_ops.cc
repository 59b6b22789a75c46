// The cpu set that trains: which function runs which operation.
#include "core/ops/cpu/train/train_ops.h"

#include <ATen/TensorOperators.h>

#include "core/ops/cpu/train/functions.h"

namespace shinsaku {

// The gradient of a 3x3 layer, and of one with stride 2, reads the second channels of each tap as a vector.
at::MemoryFormat TrainOps::WeightFormat(const Tensor& weight) const {
  const bool taps = weight.dim() == 4 && weight.size(2) >= 3 && weight.size(2) <= 5;
  return taps ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

Tensor TrainOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  const int64_t kernel = w.weight.size(2);
  if (stride == 1 && padding == kernel / 2 && Whole(x, w)) {
    if (kernel == 3) return cpu::TrainConv3x3(cx_, x, w, false);
    if (kernel == 1) return cpu::TrainPointwise(cx_, x, w);
  }
  const auto phases = cpu::PhasesOfConv(kernel, stride, padding, x.size(2), x.size(3));
  if (phases && WholePanels(x, w)) return cpu::TrainPhased(cx_, x, w, *phases);
  return Ops::Conv(cpu::AsRows(x), w, stride, padding);
}

Tensor TrainOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                               int64_t output_padding) {
  const auto phases =
      cpu::PhasesOfTransposed(w.weight.size(2), stride, padding, output_padding, x.size(2), x.size(3));
  if (phases && WholePanels(x, w)) return cpu::TrainPhased(cx_, x, w, *phases);
  return Ops::ConvTranspose(cpu::AsRows(x), w, stride, padding, output_padding);
}

Tensor TrainOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                              const Tensor& shift) {
  if (!Whole(x)) return Ops::NormFilmSilu(x, w, scale, shift);
  return cpu::TrainNorm(cx_, x, w, {scale, shift, true, {}});
}

Tensor TrainOps::Norm(const Tensor& x, const NormWeights& w) {
  return Whole(x) ? cpu::TrainNorm(cx_, x, w, {}) : Ops::Norm(x, w);
}

Tensor TrainOps::Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                          std::array<int64_t, 2> padding) {
  return TwiceOps().Resample(x, filter, up, down, padding);
}

Tensor TwiceOps::Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                          std::array<int64_t, 2> padding) {
  const auto how = cpu::ResamplingOf(filter, up, down, padding[0]);
  if (!how || x.scalar_type() != at::kFloat) return Ops::Resample(x, filter, up, down, padding);
  return cpu::TrainResample(x, *how, how->Side(x.size(2), padding[1]), how->Side(x.size(3), padding[1]));
}

Tensor TrainOps::StyledActivation(const Tensor& x, const StyledEnd& end) {
  return x.scalar_type() == at::kFloat ? cpu::TrainStyled(x, end) : Ops::StyledActivation(x, end);
}

Tensor TrainOps::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  if (!Whole(x) || !Whole(w.head_dim) || !w.out_norm.gain.defined()) return Ops::LinearAttention(x, w);
  const Tensor y = cpu::TrainPointwise(cx_, cpu::TrainLinearAttention(cx_, Norm(x, w.norm), w), w.to_out);
  return cpu::TrainNorm(cx_, y, w.out_norm, {{}, {}, false, x});
}

Tensor TrainOps::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  if (kind == DownKind::kConv4) return Conv(x, w, 2, 1);
  // Channels of the unshuffled map run (channel, y, x): the weight is that of a 2x2 kernel as it stands.
  return Conv(x, {w.weight.view({w.weight.size(0), x.size(1), 2, 2}), w.bias}, 2, 0);
}

Tensor TrainOps::Up(const Tensor& x, const ConvWeights& w) {
  return Whole(x, w) ? cpu::TrainConv3x3(cx_, x, w, true) : Ops::Up(cpu::AsRows(x), w);
}

Tensor TrainOps::Concat(const Tensor& a, const Tensor& b) {
  return a.dim() == 4 && Whole(a) && Whole(b) ? cpu::TrainJoin(a, b) : Ops::Concat(a, b);
}

Tensor TrainOps::ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                 const Residual& residual) {
  if (!Whole(conv.weight.size(0))) return Ops::ConvNormSiluAdd(x, conv, norm, residual);
  const Tensor h = Conv(x, conv, 1, 1);
  Enter(residual.layer);
  const Tensor skip =
      residual.shortcut.weight.defined() ? Conv(residual.x, residual.shortcut, 1, 0) : residual.x;
  return cpu::TrainNorm(cx_, h, norm, {{}, {}, true, skip});
}

}  // namespace shinsaku
