// Style networks' operations of the training set. A resampling is linear, and its gradient is another one, so
// it has every derivative; what follows a convolution has the first one only.
#include "core/ops/cpu/style.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/ops/cpu/train/functions.h"
#include "core/ops/first_order.h"

namespace shinsaku::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

Pixels<const float> Read(const Tensor& x) {
  return {x.const_data_ptr<float>(), x.size(0), x.size(2), x.size(3), x.size(1), x.size(1)};
}
Pixels<float> Write(const Tensor& x) {
  return {x.data_ptr<float>(), x.size(0), x.size(2), x.size(3), x.size(1), x.size(1)};
}

// What a resampling is, as autograd can keep it.
struct ResampleFunction : torch::autograd::Function<ResampleFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Resampling* how, int64_t height,
                        int64_t width) {
    ctx->saved_data["taps"] =
        std::vector<double>{how->rows[0],    how->rows[1],    how->rows[2],    how->rows[3],
                            how->columns[0], how->columns[1], how->columns[2], how->columns[3]};
    ctx->saved_data["how"] = std::vector<int64_t>{how->up, how->down, how->before, x.size(2), x.size(3)};
    const Tensor rows = AsRows(x), y = NewRows(x.size(0), x.size(1), height, width);
    Resample(Read(rows), *how, Write(y));
    return y;
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    const auto taps = ctx->saved_data["taps"].toDoubleVector();
    const auto how = ctx->saved_data["how"].toIntVector();
    Resampling own{{}, {}, how[0], how[1], how[2]};
    for (size_t i = 0; i < 4; ++i)
      own.rows[i] = static_cast<float>(taps[i]), own.columns[i] = static_cast<float>(taps[4 + i]);
    const Resampling back = own.Transposed();
    return {ResampleFunction::apply(gradients[0], &back, how[3], how[4]), {}, {}, {}};
  }
};

// `added`: noise times its strength.
struct StyledFunction : torch::autograd::Function<StyledFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const std::optional<Tensor>& scale,
                        const std::optional<Tensor>& added, const Tensor& bias, double gain) {
    const Tensor rows = AsRows(x), y = NewRows(x.size(0), x.size(1), x.size(2), x.size(3));
    const Tensor scales = scale ? scale->contiguous() : Tensor(),
                 noise = added ? added->contiguous() : Tensor();
    const Tensor offset = bias.contiguous();
    StyledActivation(Read(rows), RowsOf(scales, noise, offset, gain), Write(y));
    ctx->saved_data["gain"] = gain;
    ctx->saved_data["shared"] = noise.defined() && noise.size(0) == 1;
    ctx->save_for_backward({scales.defined() ? rows : Tensor(), y, scales, noise, offset});
    return y;
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& gradients) {
    RequireFirstOrder("the styled activation");
    const auto saved = ctx->get_saved_variables();
    const Tensor &y = saved[1], &scales = saved[2], &noise = saved[3], &bias = saved[4];
    const Tensor x = saved[0].defined() ? saved[0] : y;
    const Tensor dy = AsRows(gradients[0]), dx = NewRows(y.size(0), y.size(1), y.size(2), y.size(3));
    const Tensor of_bias = at::empty({y.size(0), y.size(1)}, y.options());
    const Tensor of_scale = scales.defined() ? at::empty_like(scales) : Tensor();
    const Tensor of_noise =
        noise.defined() ? at::empty({y.size(0), 1, y.size(2), y.size(3)}, y.options()) : Tensor();
    const auto floats = [](const Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; };
    StyledBackward(Read(x), Read(y), Read(dy),
                   RowsOf(scales, noise, bias, ctx->saved_data["gain"].toDouble()), Write(dx),
                   {floats(of_scale), floats(of_noise), floats(of_bias)});
    const bool shared = ctx->saved_data["shared"].toBool();
    return {dx, of_scale, shared ? of_noise.sum({0}, true) : of_noise, of_bias.sum({0}), {}};
  }

  static StyledRows RowsOf(const Tensor& scale, const Tensor& noise, const Tensor& bias, double gain) {
    const bool noisy = noise.defined();
    return {scale.defined() ? scale.const_data_ptr<float>() : nullptr,
            noisy ? noise.const_data_ptr<float>() : nullptr,
            noisy && noise.size(0) > 1 ? noise.size(2) * noise.size(3) : 0, bias.const_data_ptr<float>(),
            static_cast<float>(gain)};
  }
};

}  // namespace

Tensor TrainResample(const Tensor& x, const Resampling& how, int64_t height, int64_t width) {
  return ResampleFunction::apply(x, &how, height, width);
}

Tensor TrainStyled(const Tensor& x, const StyledEnd& end) {
  const auto given = [](const Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; };
  const Tensor added = end.noise.defined() ? end.noise * end.strength : Tensor();
  return StyledFunction::apply(x, given(end.scale), given(added), end.bias, end.gain);
}

}  // namespace shinsaku::cpu
