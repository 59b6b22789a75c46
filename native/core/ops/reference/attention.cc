// The reference's two attentions, in the forms of both U-Nets.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "core/ops/ops.h"

namespace shinsaku {
namespace {

// The constant of 0.26's cosine attention.
constexpr double kCosineScale = 16;

struct Projections {
  Tensor q, k, v;  // [N,heads,head_dim,pixels]
};

Projections Project(Ops& ops, const Tensor& x, const AttentionWeights& w) {
  const Tensor y = ops.Norm(x, w.norm);
  const auto parts = ops.Conv(y, {w.to_qkv, {}}, 1, 0).chunk(3, 1);
  const auto heads = [&](const Tensor& t) {
    return t.reshape({x.size(0), w.heads, w.head_dim, x.size(2) * x.size(3)});
  };
  return {heads(parts[0]), heads(parts[1]), heads(parts[2])};
}

// One of the two learned memories, for every picture of the batch.
Tensor Memory(const AttentionWeights& w, int64_t which, int64_t batch) {
  const Tensor memory = w.memory.select(0, which).unsqueeze(0);
  return memory.expand({batch, memory.size(1), memory.size(2), memory.size(3)});
}

// F.normalize over the last dimension, which in 0.26's layout is the pixels.
Tensor Normalise(const Tensor& x) {
  return x / at::linalg_vector_norm(x, 2.0, {-1}, true).clamp_min(1e-12).expand_as(x);
}

}  // namespace

Tensor Ops::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  auto [q, k, v] = Project(*this, x, w);
  const int64_t batch = x.size(0), height = x.size(2), width = x.size(3);
  if (w.memory.defined()) {  // [heads,head_dim,memories] before the pixels
    k = at::cat({Memory(w, 0, batch), k}, -1);
    v = at::cat({Memory(w, 1, batch), v}, -1);
  }
  q = q.softmax(-2);
  k = k.softmax(-1);
  const Tensor scaled = q * std::pow(static_cast<double>(w.head_dim), -0.5);
  if (w.divide_values) v = v / (height * width);
  const Tensor context = at::einsum("bhdn,bhen->bhde", {k, v});
  const Tensor out =
      at::einsum("bhde,bhdn->bhen", {context, scaled}).reshape({batch, w.heads * w.head_dim, height, width});
  Record("linear_attention", out, {w.memory}, {q, k, v, scaled, context});
  const Tensor y = Conv(out, w.to_out, 1, 0);
  return (w.out_norm.gain.defined() ? Norm(y, w.out_norm) : y) + x;
}

Tensor Ops::FullAttention(const Tensor& x, const AttentionWeights& w) {
  auto [q, k, v] = Project(*this, x, w);
  const int64_t batch = x.size(0), height = x.size(2), width = x.size(3);
  Tensor out;  // [N,heads,pixels,head_dim]
  if (w.cosine) {
    const Tensor unit_q = Normalise(q), unit_k = Normalise(k);
    const Tensor logits = at::einsum("bhdi,bhdj->bhij", {unit_q, unit_k}) * kCosineScale;
    const Tensor weights = logits.softmax(-1);
    out = Record(at::einsum("bhij,bhdj->bhid", {weights, v}), {q, k, v, unit_q, unit_k, weights});
  } else if (!w.memory.defined()) {  // classifier_free_guidance.py
    const Tensor scaled = q * std::pow(static_cast<double>(w.head_dim), -0.5);
    const Tensor weights = at::einsum("bhdi,bhdj->bhij", {scaled, k}).softmax(-1);
    out = Record(at::einsum("bhij,bhdj->bhid", {weights, v}), {q, k, v, scaled, weights});
  } else {
    q = q.transpose(-2, -1), k = k.transpose(-2, -1), v = v.transpose(-2, -1);
    // [heads,memories,head_dim] before the pixels
    k = at::cat({Memory(w, 0, batch), k}, -2);
    v = at::cat({Memory(w, 1, batch), v}, -2);
    const double scale = std::pow(static_cast<double>(w.head_dim), -0.5);
    const Tensor logits = at::einsum("bhid,bhjd->bhij", {q, k}) * scale;
    const Tensor weights = logits.softmax(-1);
    out = Record(at::einsum("bhij,bhjd->bhid", {weights, v}), {q, k, v, weights});
  }
  const Tensor y = out.transpose(-2, -1).reshape({batch, w.heads * w.head_dim, height, width});
  Record("attention", y, {w.memory}, {});
  return Conv(y, w.to_out, 1, 0) + x;
}

}  // namespace shinsaku
