// The walk of the U-Net and its time embedding; unet_build.cc makes its weights.
#include "core/nn/unet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "core/runtime/cancel.h"

namespace shinsaku {

UnetPlan::UnetPlan(const Spec& spec)
    : is_v2(Text(spec, "variant") == "2.3"),
      dim(Integer(spec, "dim")),
      size(Integer(spec, "size")),
      channels(Integer(spec, "channels")),
      widths{dim},
      self_condition(Flag(spec, "selfCondition")) {
  for (const double mult : Numbers(spec, "dimMults")) widths.push_back(dim * static_cast<int64_t>(mult));
}

// Sinusoids of Vaswani 2017 as the reference spaces them: exp(-ln(10000)/(half-1) * i), sines then cosines.
Tensor Unet::TimeEmbedding(Ops& ops, const Tensor& t) const {
  const int64_t half = plan_.dim / 2;
  const double step = std::log(10000.0) / static_cast<double>(half - 1);
  const Tensor frequencies = at::exp(at::arange(half, t.options()) * -step);
  ops.Enter("time_mlp");
  const Tensor hidden = ops.Linear(ops.Sinusoids(t, frequencies), time1_);
  return ops.Linear(ops.Activate(hidden, Activation::kGelu), time2_);  // [N,4 dim]
}

Tensor Unet::Run(Ops& ops, const Resnet& block, const Tensor& x, const Tensor& time) const {
  ops.Enter(block.name + ".mlp");
  const Tensor film = ops.Linear(ops.Activate(time, Activation::kSilu), block.mlp);
  const auto parts = film.view({film.size(0), film.size(1), 1, 1}).chunk(2, 1);
  ops.Enter(block.name + ".block1");
  const Tensor h = ops.ConvNormFilmSilu(x, block.proj1, block.norm1, parts[0], parts[1]);
  ops.Enter(block.name + ".block2");
  const Residual residual_path{block.name + ".res_conv", x, block.shortcut};
  return CheckCancelled(ops.ConvNormSiluAdd(h, block.proj2, block.norm2, residual_path));
}

Tensor Unet::Run(Ops& ops, const Attention& attention, const Tensor& x) const {
  ops.Enter(attention.name);
  return CheckCancelled(attention.full ? ops.FullAttention(x, attention.weights)
                                       : ops.LinearAttention(x, attention.weights));
}

Tensor Unet::Forward(Ops& ops, const Tensor& input, const Tensor& t, const Tensor& condition) const {
  ops.Begin();
  Tensor x = input;
  if (plan_.self_condition) x = ops.Concat(condition.defined() ? condition : at::zeros_like(input), input);
  ops.Enter("init_conv");
  x = ops.Conv(x, init_conv_, 1, 3);  // [N,dim,H,W]
  const Tensor residual = ops.Keep(x);
  const Tensor time = TimeEmbedding(ops, t);

  std::vector<Tensor> skips;
  for (const Stage& stage : downs_) {
    x = Run(ops, stage.block1, x, time);
    skips.push_back(x);
    x = Run(ops, stage.attention, Run(ops, stage.block2, x, time));
    skips.push_back(x);
    ops.Enter(stage.resampling.name);
    const DownKind kind = plan_.is_v2 ? DownKind::kUnshuffle : DownKind::kConv4;
    x = stage.resampling.resample ? ops.Down(x, stage.resampling.conv, kind)
                                  : ops.Conv(x, stage.resampling.conv, 1, 1);
  }
  x = Run(ops, mid2_, Run(ops, mid_attention_, Run(ops, mid1_, x, time)), time);
  const auto with_skip = [&](const Tensor& y) {
    const Tensor joined = ops.Concat(y, skips.back());
    skips.pop_back();
    return joined;
  };
  for (const Stage& stage : ups_) {
    x = Run(ops, stage.block1, with_skip(x), time);
    x = Run(ops, stage.attention, Run(ops, stage.block2, with_skip(x), time));
    ops.Enter(stage.resampling.name);
    x = stage.resampling.resample ? ops.Up(x, stage.resampling.conv)
                                  : ops.Conv(x, stage.resampling.conv, 1, 1);
  }
  x = Run(ops, final_, ops.Concat(x, residual), time);
  ops.Enter("final_conv");
  return ops.Conv(x, final_conv_, 1, 0);
}

}  // namespace shinsaku
