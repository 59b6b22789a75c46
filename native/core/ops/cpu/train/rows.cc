// What the training set's operations share: the layout of maps, sums over them, concatenation.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstring>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/first_order.h"

namespace shinsaku::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kBlock = 256;  // rows that are summed in single precision

// Copies `width` floats of each of `rows`.
void CopyRows(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t rows, int64_t width) {
  at::parallel_for(0, rows, 512, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      std::memcpy(to + r * to_step, from + r * from_step, width * sizeof(float));
  });
}

struct JoinFunction : torch::autograd::Function<JoinFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& a, const Tensor& b) {
    const int64_t first = a.size(1), second = b.size(1), rows = a.size(0) * a.size(2) * a.size(3);
    ctx->saved_data["first"] = first;
    ctx->saved_data["second"] = second;
    const Tensor y = NewRows(a.size(0), first + second, a.size(2), a.size(3));
    CopyRows(a.const_data_ptr<float>(), first, y.data_ptr<float>(), first + second, rows, first);
    CopyRows(b.const_data_ptr<float>(), second, y.data_ptr<float>() + first, first + second, rows, second);
    return y;
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("the concatenation");
    const Tensor dy = AsRows(gradients[0]);
    const int64_t rows = dy.size(0) * dy.size(2) * dy.size(3);
    int64_t start = 0;
    tensor_list parts;
    for (const char* name : {"first", "second"}) {
      const int64_t width = ctx->saved_data[name].toInt();
      parts.push_back(NewRows(dy.size(0), width, dy.size(2), dy.size(3)));
      CopyRows(dy.const_data_ptr<float>() + start, dy.size(1), parts.back().data_ptr<float>(), width, rows,
               width);
      start += width;
    }
    return parts;
  }
};

}  // namespace

Tensor NewRows(int64_t count, int64_t channels, int64_t height, int64_t width) {
  return at::empty({count, channels, height, width}, at::TensorOptions(at::kFloat),
                   at::MemoryFormat::ChannelsLast);
}

Tensor AsRows(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

FeatureMap MapOfRows(const Tensor& x) {
  return {x, x.data_ptr<float>(), x.size(0), x.size(1), x.size(2), x.size(3), x.size(1)};
}

void JoinThreads(float* own, int64_t floats, int64_t threads) {
  if (threads < 2) return;
  at::parallel_for(0, floats, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t t = 1; t < threads; ++t)
      for (int64_t i = begin; i < end; ++i) own[i] += own[t * floats + i];
  });
}

Tensor ColumnSums(Context& cx, const float* x, int64_t rows, int64_t width) {
  const int64_t blocks = (rows + kBlock - 1) / kBlock;
  const Tensor sums = cx.arena.Floats(blocks * width);
  float* all = sums.data_ptr<float>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::fill_n(all + i * width, width, 0.0F);
      cx.kernels.column_sum(x + i * kBlock * width, std::min(kBlock, rows - i * kBlock), width,
                            all + i * width);
    }
  });
  Tensor total = at::empty({width}, at::kFloat);
  float* to = total.data_ptr<float>();
  for (int64_t c = 0; c < width; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < blocks; ++i) sum += all[i * width + c];
    to[c] = static_cast<float>(sum);
  }
  return total;
}

Tensor TrainJoin(const Tensor& a, const Tensor& b) { return JoinFunction::apply(AsRows(a), AsRows(b)); }

}  // namespace shinsaku::cpu
