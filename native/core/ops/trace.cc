// An ops set that runs the reference on the meta device and writes down each layer.
#include "core/ops/trace.h"

namespace shinsaku {
namespace {

int64_t Count(std::initializer_list<Tensor> tensors) {
  int64_t count = 0;
  for (const Tensor& tensor : tensors) count += tensor.defined() ? tensor.numel() : 0;
  return count;
}

int64_t Count(const NormWeights& w) { return Count({w.gain, w.bias}); }

int64_t Count(const AttentionWeights& w) {
  return Count(w.norm) + Count(w.out_norm) + Count({w.memory, w.to_qkv, w.to_out.weight, w.to_out.bias});
}

// Elements that autograd keeps of a normed, modulated, activated map: input, normed, modulated.
constexpr double kKeptByNormFilmSilu = 3;

}  // namespace

TraceOps::TraceOps() : inner_(MakeReferenceOps()) {}

Tensor TraceOps::Record(const char* operation, const Tensor& result, int64_t parameters,
                        double saved_elements) {
  layers.push_back({layer_, operation, {result.sizes().begin() + 1, result.sizes().end()}, parameters});
  activation_bytes += saved_elements * sizeof(float);
  return result;
}

Tensor TraceOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  return Record("conv", inner_->Conv(x, w, stride, padding), Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                               int64_t output_padding) {
  return Record("conv_transpose", inner_->ConvTranspose(x, w, stride, padding, output_padding),
                Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::Linear(const Tensor& x, const LinearWeights& w) {
  return Record("linear", inner_->Linear(x, w), Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::Activate(const Tensor& x, Activation activation) {
  const Tensor y = inner_->Activate(x, activation);
  // Not a layer of its own in a listing; what it keeps is counted all the same.
  if (activation != Activation::kIdentity) activation_bytes += static_cast<double>(y.numel()) * sizeof(float);
  return y;
}

Tensor TraceOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                              const Tensor& shift) {
  return Record("norm_film_silu", inner_->NormFilmSilu(x, w, scale, shift), Count(w),
                kKeptByNormFilmSilu * x.numel());
}

Tensor TraceOps::Norm(const Tensor& x, const NormWeights& w) {
  return Record("norm", inner_->Norm(x, w), Count(w), x.numel());
}

Tensor TraceOps::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  const double projected = 3.0 * w.heads * w.head_dim * x.size(2) * x.size(3);
  return Record("linear_attention", inner_->LinearAttention(x, w), Count(w), 2 * x.numel() + 2 * projected);
}

Tensor TraceOps::FullAttention(const Tensor& x, const AttentionWeights& w) {
  const double pixels = static_cast<double>(x.size(2) * x.size(3));
  const double projected = 3.0 * w.heads * w.head_dim * pixels;
  return Record("attention", inner_->FullAttention(x, w), Count(w),
                2 * x.numel() + projected + w.heads * pixels * pixels);
}

Tensor TraceOps::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  return Record("down", inner_->Down(x, w, kind), Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::Up(const Tensor& x, const ConvWeights& w) {
  return Record("up", inner_->Up(x, w), Count({w.weight, w.bias}), 4.0 * x.numel());
}

Tensor TraceOps::Add(const Tensor& a, const Tensor& b) { return inner_->Add(a, b); }

Tensor TraceOps::Concat(const Tensor& a, const Tensor& b) { return inner_->Concat(a, b); }

Tensor TraceOps::BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics) {
  return Record("batch_norm", inner_->BatchNorm(x, w, statistics), Count({w.gain, w.bias}), x.numel());
}

}  // namespace shinsaku
