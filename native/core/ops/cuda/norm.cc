// The norm kernels of the CUDA plugin as an operation that autograd knows.
#include "core/ops/cuda/norm.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/ops/first_order.h"
#include "core/runtime/cuda_plugin.h"

namespace shinsaku {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

bool IsSupported(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }

const float* Floats(const Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }

// With `beta` a GroupNorm, else an RMS norm.
NormCall CallOf(const Tensor& x, const Tensor& bias, const Tensor& gain, const Tensor& beta,
                const Tensor& scale, const Tensor& shift, bool silu) {
  NormCall call;
  call.half = x.scalar_type() == at::kBFloat16;
  call.silu = silu;
  call.groups = beta.defined() ? NormWeights::kGroups : 0;
  call.images = x.size(0), call.pixels = x.size(2) * x.size(3), call.channels = x.size(1);
  call.x = x.const_data_ptr();
  call.bias = Floats(bias);
  call.gain = Floats(gain);
  call.beta = Floats(beta);
  call.scale = Floats(scale);
  call.shift = Floats(shift);
  return call;
}

Tensor Partials(const CudaPlugin& plugin, const NormCall& call, const at::TensorOptions& floats) {
  return at::empty({plugin.norm_partials(call.groups, call.images, call.pixels, call.channels)}, floats);
}

struct NormFunction : torch::autograd::Function<NormFunction> {
  // conv_bias, gain and beta [C], scale and shift [N,C], all float32 and contiguous; x and residual
  // channels_last of one type.
  static Tensor forward(AutogradContext* context, const Tensor& x, const std::optional<Tensor>& conv_bias,
                        const Tensor& gain, const std::optional<Tensor>& norm_beta,
                        const std::optional<Tensor>& film_scale, const std::optional<Tensor>& film_shift,
                        const std::optional<Tensor>& skip, bool silu) {
    const Tensor beta = norm_beta.value_or(Tensor());
    const Tensor scale = film_scale.value_or(Tensor()), shift = film_shift.value_or(Tensor());
    const Tensor bias = conv_bias.value_or(Tensor()), residual = skip.value_or(Tensor());
    const auto floats = at::TensorOptions(at::kFloat).device(x.device());
    NormCall call = CallOf(x, bias, gain, beta, scale, shift, silu);
    const Tensor root = at::empty({call.images, call.groups > 0 ? 2 * call.groups : call.pixels}, floats);
    Tensor y = at::empty_like(x, x.options(), kLast);
    const CudaPlugin& plugin = RequireCudaPlugin();
    const Tensor partial = call.groups > 0 ? Partials(plugin, call, floats) : Tensor();
    call.residual = residual.defined() ? residual.const_data_ptr() : nullptr;
    call.y = y.mutable_data_ptr();
    call.root = root.mutable_data_ptr<float>();
    if (partial.defined()) call.partial = partial.mutable_data_ptr<float>();
    plugin.norm_forward(call);
    context->save_for_backward({x, bias, gain, beta, scale, shift, root});
    context->saved_data["silu"] = silu;
    context->saved_data["residual"] = residual.defined();
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    RequireFirstOrder("the norm");
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &bias = saved[1], &gain = saved[2], &beta = saved[3], &scale = saved[4];
    const Tensor &shift = saved[5], &root = saved[6];
    const bool silu = context->saved_data["silu"].toBool();
    const Tensor dy = gradients[0].contiguous(kLast);
    const CudaPlugin& plugin = RequireCudaPlugin();
    NormCall call = CallOf(x, bias, gain, beta, scale, shift, silu);
    const Tensor dx = at::empty_like(x, x.options(), kLast), dgain = at::empty_like(gain);
    const Tensor partial = Partials(plugin, call, gain.options());
    Tensor dbias, dbeta, dscale, dshift;
    if (bias.defined()) dbias = at::empty_like(bias);
    if (beta.defined()) dbeta = at::empty_like(beta);
    if (scale.defined()) dscale = at::empty_like(scale), dshift = at::empty_like(shift);
    call.root = root.mutable_data_ptr<float>();
    call.dy = dy.const_data_ptr();
    call.dx = dx.mutable_data_ptr();
    call.partial = partial.mutable_data_ptr<float>();
    if (bias.defined()) call.dbias = dbias.mutable_data_ptr<float>();
    call.dgain = dgain.mutable_data_ptr<float>();
    if (beta.defined()) call.dbeta = dbeta.mutable_data_ptr<float>();
    if (scale.defined()) {
      call.dscale = dscale.mutable_data_ptr<float>();
      call.dshift = dshift.mutable_data_ptr<float>();
    }
    plugin.norm_backward(call);
    const Tensor skip = context->saved_data["residual"].toBool() ? dy : Tensor();
    return {dx, dbias, dgain, dbeta, dscale, dshift, skip, Tensor()};
  }
};

std::optional<Tensor> Rows(const Tensor& film) {  // [N,C,1,1] -> [N,C]
  if (!film.defined()) return std::nullopt;
  return film.flatten(1).to(at::kFloat).contiguous();
}

}  // namespace

bool HasNormKernel(const Tensor& x, const NormWeights& w) {
  if (w.kind == NormWeights::Kind::kLayer || !IsSupported(x.scalar_type()) || x.numel() == 0) return false;
  // The kernels count 32 threads for each pixel in 32 bits.
  if (x.size(0) * x.size(2) * x.size(3) >= int64_t{1} << 27) return false;
  const CudaPlugin* plugin = FindCudaPlugin();
  return plugin &&
         plugin->norm_has(w.kind == NormWeights::Kind::kGroup ? NormWeights::kGroups : 0, x.size(1));
}

Tensor FusedNorm(const Tensor& x, const Tensor& bias, const NormWeights& w, const Tensor& scale,
                 const Tensor& shift, bool silu, const Tensor& residual) {
  // Autograd takes no undefined tensor as an argument.
  std::optional<Tensor> skip;
  if (residual.defined()) skip = residual.to(x.scalar_type()).contiguous(kLast);
  std::optional<Tensor> conv_bias;
  if (bias.defined()) conv_bias = bias;
  std::optional<Tensor> beta;
  if (w.kind == NormWeights::Kind::kGroup) beta = w.bias.flatten();
  return NormFunction::apply(x.contiguous(kLast), conv_bias, w.gain.flatten(), beta, Rows(scale), Rows(shift),
                             skip, silu);
}

}  // namespace shinsaku
