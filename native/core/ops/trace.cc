// An ops set that computes nothing but shapes and writes down each layer.
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

// Pixels along one side of a convolution's result.
int64_t Convolved(int64_t in, int64_t kernel, int64_t stride, int64_t padding) {
  return (in + 2 * padding - kernel) / stride + 1;
}

// Elements that autograd keeps of a normed, modulated, activated map: input, normed, modulated.
constexpr double kKeptByNormFilmSilu = 3;

}  // namespace

Tensor TraceOps::Record(const char* operation, const Tensor& x, at::IntArrayRef shape, int64_t parameters,
                        double saved_elements) {
  layers.push_back({layer_, operation, {shape.begin() + 1, shape.end()}, parameters});
  activation_bytes += saved_elements * sizeof(float);
  return x.new_empty(shape);
}

Tensor TraceOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  const int64_t kernel = w.weight.size(2);
  const int64_t shape[] = {x.size(0), w.weight.size(0), Convolved(x.size(2), kernel, stride, padding),
                           Convolved(x.size(3), kernel, stride, padding)};
  return Record("conv", x, shape, Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                               int64_t output_padding) {
  const auto side = [&](int64_t in) {
    return (in - 1) * stride - 2 * padding + w.weight.size(2) + output_padding;
  };
  const int64_t shape[] = {x.size(0), w.weight.size(1), side(x.size(2)), side(x.size(3))};
  return Record("conv_transpose", x, shape, Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::Linear(const Tensor& x, const LinearWeights& w) {
  return Record("linear", x, {x.size(0), w.weight.size(0)}, Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::Activate(const Tensor& x, Activation activation) {
  // Not a layer of its own in a listing; what it keeps is counted all the same.
  if (activation != Activation::kIdentity) activation_bytes += static_cast<double>(x.numel()) * sizeof(float);
  return x;
}

Tensor TraceOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                              const Tensor& shift) {
  return Record("norm_film_silu", x, x.sizes(), Count(w), kKeptByNormFilmSilu * x.numel());
}

Tensor TraceOps::Norm(const Tensor& x, const NormWeights& w) {
  return Record("norm", x, x.sizes(), Count(w), x.numel());
}

Tensor TraceOps::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  const double projected = 3.0 * w.heads * w.head_dim * x.size(2) * x.size(3);
  return Record("linear_attention", x, x.sizes(), Count(w), 2 * x.numel() + 2 * projected);
}

Tensor TraceOps::FullAttention(const Tensor& x, const AttentionWeights& w) {
  const double pixels = static_cast<double>(x.size(2) * x.size(3));
  const double projected = 3.0 * w.heads * w.head_dim * pixels;
  return Record("attention", x, x.sizes(), Count(w), 2 * x.numel() + projected + w.heads * pixels * pixels);
}

Tensor TraceOps::Down(const Tensor& x, const ConvWeights& w, DownKind) {
  const int64_t shape[] = {x.size(0), w.weight.size(0), x.size(2) / 2, x.size(3) / 2};
  return Record("down", x, shape, Count({w.weight, w.bias}), x.numel());
}

Tensor TraceOps::Up(const Tensor& x, const ConvWeights& w) {
  const int64_t shape[] = {x.size(0), w.weight.size(0), x.size(2) * 2, x.size(3) * 2};
  return Record("up", x, shape, Count({w.weight, w.bias}), 4.0 * x.numel());
}

Tensor TraceOps::Add(const Tensor& a, const Tensor&) { return a; }

Tensor TraceOps::Concat(const Tensor& a, const Tensor& b) {
  return a.new_empty({a.size(0), a.size(1) + b.size(1), a.size(2), a.size(3)});
}

Tensor TraceOps::BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics) {
  return Record("batch_norm", x, x.sizes(), Count({w.gain, w.bias}), x.numel());
}

}  // namespace shinsaku
