// Linear attention over pixels that lie as rows, as one operation that autograd knows.
//
// All heads go through one product of all channels with all channels, of which only the blocks of a head with
// itself are kept: more arithmetic, but no tensor has to be rearranged by heads.
#include "core/ops/cuda/linear_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sub.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/ops/first_order.h"

namespace shinsaku {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [heads,head_dim,memories] as rows [N,memories,channels].
Tensor MemoryRows(const Tensor& memory, int64_t which, int64_t batch) {
  return memory.select(0, which).flatten(0, 1).transpose(0, 1).unsqueeze(0).expand({batch, -1, -1});
}

// 1 where two channels belong to one head, else 0. [channels,channels]
Tensor SameHead(int64_t heads, int64_t head_dim, const at::TensorOptions& options) {
  return at::eye(heads, options)
      .view({heads, 1, heads, 1})
      .expand({heads, head_dim, heads, head_dim})
      .reshape({heads * head_dim, heads * head_dim});
}

struct LinearAttentionFunction : torch::autograd::Function<LinearAttentionFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& qkv, const Tensor& memory, int64_t heads,
                        double scale) {
    // Types are as they should be: nothing is to be cast on the way.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const int64_t batch = qkv.size(0), pixels = qkv.size(1), channels = qkv.size(2) / 3;
    const auto rows = qkv.split(channels, 2);  // views
    const Tensor q =
        rows[0].view({batch, pixels, heads, channels / heads}).softmax(-1).view({batch, pixels, channels});
    const Tensor memory_k = MemoryRows(memory, 0, batch).to(qkv.scalar_type());
    const Tensor memory_v = MemoryRows(memory, 1, batch).to(qkv.scalar_type());
    const Tensor largest = at::maximum(at::amax(rows[1], {1}, true), at::amax(memory_k, {1}, true));
    const Tensor e = at::sub(rows[1], largest).exp_();
    const Tensor memory_e = at::sub(memory_k, largest).exp_();
    const Tensor sums = (e.sum({1}, false, at::kFloat) + memory_e.sum({1}, false, at::kFloat)).unsqueeze(2);
    const Tensor mask = SameHead(heads, channels / heads, sums.options());
    // k^T v, with what divides and scales it.  [N,channels,channels]
    const Tensor products =
        at::baddbmm(at::bmm(memory_e.transpose(1, 2), memory_v), e.transpose(1, 2), rows[2]);
    const Tensor factor = mask * scale / sums;
    const Tensor kv = (products * factor).to(qkv.scalar_type());
    context->save_for_backward({qkv, memory, q, e, memory_e, kv, sums, factor});
    context->saved_data["heads"] = heads;
    return at::bmm(q, kv);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    RequireFirstOrder("linear attention");
    const variable_list saved = context->get_saved_variables();
    const Tensor &qkv = saved[0], &memory = saved[1], &q = saved[2], &e = saved[3], &memory_e = saved[4];
    const Tensor &kv = saved[5], &sums = saved[6], &factor = saved[7];
    const int64_t heads = context->saved_data["heads"].toInt();
    const int64_t batch = qkv.size(0), pixels = qkv.size(1), channels = qkv.size(2) / 3;
    const Tensor dy = gradients[0].contiguous();
    const auto rows = qkv.split(channels, 2);
    Tensor dqkv = at::empty_like(qkv);
    const auto drows = dqkv.split(channels, 2);

    const auto by_head = [&](const Tensor& t) { return t.view({batch, pixels, heads, channels / heads}); };
    const Tensor dq = at::bmm(dy, kv.transpose(1, 2));
    by_head(drows[0]).copy_(at::_softmax_backward_data(by_head(dq), by_head(q), -1, q.scalar_type()));

    const Tensor dkv = at::bmm(q.transpose(1, 2), dy).to(at::kFloat);
    // kv = products factor, and factor is inverse to the sums.
    const Tensor dproducts = (dkv * factor).to(qkv.scalar_type());
    const Tensor dsums =
        (dkv * kv).sum(2).unsqueeze(1).neg().div_(sums.transpose(1, 2)).to(qkv.scalar_type());
    Tensor dv = drows[2];
    at::bmm_out(dv, e, dproducts);
    Tensor de = at::bmm(rows[2], dproducts.transpose(1, 2));
    Tensor dk = drows[1];
    at::mul_out(dk, de.add_(dsums), e);

    const Tensor memory_v = MemoryRows(memory, 1, batch).to(qkv.scalar_type());
    const Tensor dmemory_v = at::bmm(memory_e, dproducts);
    const Tensor dmemory_k = (at::bmm(memory_v, dproducts.transpose(1, 2)) + dsums) * memory_e;
    Tensor dmemory = at::empty_like(memory);
    const auto keep = [&](int64_t which, const Tensor& gradient) {  // [N,memories,channels]
      dmemory.select(0, which).copy_(
          gradient.sum({0}, false, at::kFloat).transpose(0, 1).reshape(memory.select(0, which).sizes()));
    };
    keep(0, dmemory_k);
    keep(1, dmemory_v);
    return {dqkv, dmemory, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor RowsLinearAttention(const Tensor& qkv, const Tensor& memory, int64_t heads, double scale) {
  return LinearAttentionFunction::apply(qkv, memory, heads, scale);
}

}  // namespace shinsaku
