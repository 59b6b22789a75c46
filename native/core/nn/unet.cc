// The walk of the U-Net and its time embedding; unet_build.cc makes its weights.
#include "core/nn/unet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "core/runtime/cancel.h"
#include "core/state_names.h"

namespace shinsaku {

UnetPlan::UnetPlan(const Spec& spec)
    : is_v2(Text(spec, "variant") != "0.26"),
      is_cfg(Text(spec, "variant") == "2.3-cfg"),
      dim(Integer(spec, "dim")),
      size(Integer(spec, "size")),
      channels(Integer(spec, "channels")),
      widths{dim},
      self_condition(Flag(spec, "selfCondition")),
      augment(Number(spec, "augment") > 0),
      labels(spec) {
  if (is_cfg && (labels.attributes() != 1 || labels.widths[0] < 2))
    throw Failure(
        "LABELS_INVALID",
        "variant \"2.3-cfg\" learns one attribute of several classes, such as folders, and no other labels");
  if (Has(spec, "condition")) {
    condition = Text(spec, "condition");
    if (condition == "lowres") condition_scale = Integer(spec, "conditionScale");
  }
  for (const double mult : Numbers(spec, "dimMults")) widths.push_back(dim * static_cast<int64_t>(mult));
}

// Sinusoids of Vaswani 2017 as the reference spaces them: exp(-ln(10000)/(half-1) * i), sines then cosines.
// What was done to the picture is added to them, as Karras 2022 (2206.00364, appendix F.2) tells the network
// of it.
Tensor Unet::TimeEmbedding(Ops& ops, const Tensor& t, const Tensor& augment) const {
  const int64_t half = plan_.dim / 2;
  const double step = std::log(10000.0) / static_cast<double>(half - 1);
  const Tensor frequencies = at::exp(at::arange(half, t.options()) * -step);
  ops.Enter("time_mlp");
  Tensor embedding = ops.Sinusoids(t, frequencies);  // [N,dim]
  if (augment.defined()) embedding = embedding + ops.Linear(augment, augment_);
  const Tensor hidden = ops.Linear(embedding, time1_);
  return ops.Linear(ops.Activate(hidden, Activation::kGelu), time2_);  // [N,4 dim]
}

// Added to the time embedding, as Dhariwal 2021 (2105.05233) does with classes: a sum of what each label and
// each unknown attribute adds.
Tensor Unet::LabelEmbedding(Ops& ops, const Tensor& labels) const {
  ops.Enter(state_names::kLabels);
  return ops.Linear(labels, labels_);
}

// What classifier_free_guidance.py puts beside the time; an unknown class has an embedding of its own.
Tensor Unet::ClassEmbedding(Ops& ops, const Tensor& labels) const {
  const int64_t classes = plan_.labels.columns();
  const Tensor known = at::embedding(class_embedding_, labels.narrow(1, 0, classes).argmax(1));
  const Tensor chosen = at::where(labels.narrow(1, classes, 1) > 0.5, no_class_.expand_as(known), known);
  ops.Enter("classes_mlp");
  return ops.Linear(ops.Activate(ops.Linear(chosen, class1_), Activation::kGelu), class2_);  // [N,4 dim]
}

// nn.Dropout with a generator of its own, in the order of PyTorch's CPU form. h [N,C,H,W].
static Tensor Drop(const Tensor& h, const UnetTraining* training) {
  if (!training || training->dropout == 0) return h;
  const double kept = 1 - training->dropout;
  return h * at::empty_like(h).bernoulli_(kept, training->random).div_(kept);
}

Tensor Unet::Run(Ops& ops, const Resnet& block, const Tensor& x, const Context& context) const {
  ops.Enter(block.name + ".mlp");
  const Tensor film = ops.Linear(ops.Activate(context.time, Activation::kSilu), block.mlp);
  const auto parts = film.view({film.size(0), film.size(1), 1, 1}).chunk(2, 1);
  ops.Enter(block.name + ".block1");
  const Tensor h =
      Drop(ops.ConvNormFilmSilu(x, block.proj1, block.norm1, parts[0], parts[1]), context.training);
  ops.Enter(block.name + ".block2");
  const Residual residual_path{block.name + ".res_conv", x, block.shortcut};
  return CheckCancelled(ops.ConvNormSiluAdd(h, block.proj2, block.norm2, residual_path));
}

Tensor Unet::Run(Ops& ops, const Attention& attention, const Tensor& x) const {
  ops.Enter(attention.name);
  return CheckCancelled(attention.full ? ops.FullAttention(x, attention.weights)
                                       : ops.LinearAttention(x, attention.weights));
}

Tensor Unet::Forward(Ops& ops, const Tensor& input, const Tensor& t, const Tensor& condition,
                     const UnetTraining* training, const Tensor& labels, const Tensor& given) const {
  ops.Begin();
  Tensor x = input;
  if (plan_.self_condition) x = ops.Concat(condition.defined() ? condition : at::zeros_like(input), input);
  // Saharia 2021 (SR3, 2104.07636).
  if (!plan_.condition.empty()) {
    const auto zeros = [&] {
      return at::zeros({input.size(0), plan_.given_channels(), plan_.size, plan_.size}, input.options());
    };
    x = ops.Concat(x, given.defined() ? given : zeros());
  }
  ops.Enter("init_conv");
  x = ops.Conv(x, init_conv_, 1, 3);  // [N,dim,H,W]
  const Tensor residual = ops.Keep(x);
  Context context{TimeEmbedding(ops, t, training ? training->augment : Tensor()), training};
  if (plan_.labels.attributes() > 0) {
    const Tensor rows = labels.defined() ? labels : plan_.labels.Unknown(input.size(0), input.device());
    context.time = plan_.is_cfg ? at::cat({context.time, ClassEmbedding(ops, rows)}, 1)
                                : context.time + LabelEmbedding(ops, rows);
  }

  std::vector<Tensor> skips;
  for (const Stage& stage : downs_) {
    x = Run(ops, stage.block1, x, context);
    skips.push_back(x);
    x = Run(ops, stage.attention, Run(ops, stage.block2, x, context));
    skips.push_back(x);
    ops.Enter(stage.resampling.name);
    const DownKind kind = plan_.is_main_v2() ? DownKind::kUnshuffle : DownKind::kConv4;
    x = stage.resampling.resample ? ops.Down(x, stage.resampling.conv, kind)
                                  : ops.Conv(x, stage.resampling.conv, 1, 1);
  }
  x = Run(ops, mid2_, Run(ops, mid_attention_, Run(ops, mid1_, x, context)), context);
  const auto with_skip = [&](const Tensor& y) {
    const Tensor joined = ops.Concat(y, skips.back());
    skips.pop_back();
    return joined;
  };
  for (const Stage& stage : ups_) {
    x = Run(ops, stage.block1, with_skip(x), context);
    x = Run(ops, stage.attention, Run(ops, stage.block2, with_skip(x), context));
    ops.Enter(stage.resampling.name);
    x = stage.resampling.resample ? ops.Up(x, stage.resampling.conv)
                                  : ops.Conv(x, stage.resampling.conv, 1, 1);
  }
  x = Run(ops, final_, ops.Concat(x, residual), context);
  ops.Enter("final_conv");
  return ops.Conv(x, final_conv_, 1, 0);
}

}  // namespace shinsaku
