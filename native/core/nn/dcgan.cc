// The two networks of the DCGAN in three published variants; dcgan.h has the table of names.
#include "core/nn/dcgan.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "core/runtime/cancel.h"
#include "core/state_names.h"

namespace shinsaku {
namespace {

constexpr double kDeviation = 0.02;  // of every initial weight, Radford 2015, section 4

// What a variant does in every layer.
struct Style {
  bool dense;  // stem and head are linear layers; else convolutions over the whole map
  int64_t kernel, padding, output_padding;
  bool bias;
  bool random_gain;   // batch norm gains from N(1,0.02) instead of 1
  Activation hidden;  // of the discriminator
  Activation output;  // of the generator
  int64_t logits;
  double eps;  // of batch norm
  BatchNormWeights::Form form;
};

Style StyleOf(DcganVariant variant) {
  using Form = BatchNormWeights::Form;
  switch (variant) {
    case DcganVariant::kPytorch:
      return {false, 4, 1, 0, false, true, Activation::kLeakyRelu, Activation::kTanh, 1, 1e-5, Form::kTorch};
    case DcganVariant::kChainer:
      return {true, 4, 1, 0, true, false, Activation::kElu, Activation::kIdentity, 2, 1e-5, Form::kChainer};
    case DcganVariant::kRadford:
      return {true, 5, 2, 1, false, true, Activation::kLeakyRelu, Activation::kTanh, 1, 1e-8, Form::kTorch};
  }
  throw Failure("NATIVE_FAILED", "unknown DCGAN variant");
}

DcganVariant VariantOf(const std::string& name) {
  if (name == "pytorch") return DcganVariant::kPytorch;
  if (name == "chainer") return DcganVariant::kChainer;
  if (name == "radford") return DcganVariant::kRadford;
  throw Failure("NATIVE_FAILED", "unknown DCGAN variant \"" + name + "\"");
}

int64_t StagesOf(int64_t size, int64_t stem) {
  int64_t stages = 0;
  while ((stem << stages) < size) ++stages;
  if (stages == 0 || (stem << stages) != size) {
    throw Failure("NATIVE_FAILED",
                  "the DCGAN has no size " + std::to_string(size) + "; it has 32, 64, 96 and 128");
  }
  return stages;
}

std::string LabelsIn(const std::string& network) { return network + state_names::kLabels + ".weight"; }

std::string Numbered(const char* name, int64_t i) { return name + std::to_string(i); }

// Names of layer i of the generator: 0 is the stem, `stages` the layer that gives the picture.
std::string GeneratorLayer(DcganVariant variant, int64_t i) {
  if (variant == DcganVariant::kPytorch) return Numbered("main.", 3 * i);
  if (variant == DcganVariant::kChainer) return i == 0 ? "l0z" : Numbered("dc", i);
  return i == 0 ? "project" : Numbered("deconv", i);
}

std::string GeneratorNorm(DcganVariant variant, int64_t i) {
  if (variant == DcganVariant::kPytorch) return Numbered("main.", 3 * i + 1);
  if (variant == DcganVariant::kChainer) return i == 0 ? "bn0l" : Numbered("bn", i);
  return Numbered("norm", i);
}

// Names of layer i of the discriminator: 0 takes the picture, `stages` is the head.
std::string DiscriminatorLayer(DcganVariant variant, int64_t i, int64_t stages) {
  if (variant == DcganVariant::kPytorch) return Numbered("main.", i == 0 ? 0 : 3 * i - 1);
  if (variant == DcganVariant::kChainer) return i == stages ? Numbered("l", i) + "l" : Numbered("c", i);
  return i == stages ? "head" : Numbered("conv", i);
}

std::string DiscriminatorNorm(DcganVariant variant, int64_t i) {
  if (variant == DcganVariant::kPytorch) return Numbered("main.", 3 * i);
  return Numbered(variant == DcganVariant::kChainer ? "bn" : "norm", i);
}

// Adds layers to one network, drawing first values in the order of the variant's source.
class Builder {
 public:
  Builder(const DcganPlan& plan, const char* prefix, ParameterSet& set)
      : style_(StyleOf(plan.variant)),
        prefix_(prefix),
        set_(set),
        deferred_(plan.variant == DcganVariant::kPytorch) {}

  DcganLayer Layer(const std::string& name, at::IntArrayRef shape, int64_t outputs) {
    DcganLayer layer{prefix_ + name, "", {}, {}, std::nullopt};
    layer.weight = Drawn(layer.name + ".weight", shape, 0);
    if (style_.bias) layer.bias = set_.Parameter(layer.name + ".bias", {outputs}, Constant(0));
    return layer;
  }

  void Norm(DcganLayer& layer, const std::string& name, int64_t units) {
    layer.norm_name = prefix_ + name;
    BatchNormWeights w;
    w.eps = style_.eps;
    w.form = style_.form;
    const std::string gain = layer.norm_name + ".weight";
    w.gain = style_.random_gain ? Drawn(gain, {units}, 1) : set_.Parameter(gain, {units}, Constant(1));
    w.bias = set_.Parameter(layer.norm_name + ".bias", {units}, Constant(0));
    const bool chainer = style_.form == BatchNormWeights::Form::kChainer;
    w.running_mean = set_.Buffer(layer.norm_name + ".running_mean", at::zeros({units}));
    w.running_var =
        set_.Buffer(layer.norm_name + ".running_var", chainer ? at::zeros({units}) : at::ones({units}));
    if (deferred_)
      w.batches = set_.Buffer(layer.norm_name + ".num_batches_tracked", at::zeros({}, at::kLong));
    layer.norm = w;
  }

  // netG.apply(weights_init): overwrites what the module constructors drew, which used up the stream all the
  // same.
  void Finish() {
    if (set_.fill() != Fill::kDraw) return;
    const at::NoGradGuard no_grad;
    for (auto& [tensor, mean] : redrawn_) {
      tensor.copy_(at::empty(tensor.sizes(), at::kFloat).normal_(mean, kDeviation, set_.generator()));
    }
  }

 private:
  // N(mean,0.02), now or, as pytorch/examples does, after all layers are built.
  Tensor Drawn(const std::string& name, at::IntArrayRef shape, double mean) {
    if (!deferred_) return set_.Parameter(name, shape, Normal(mean, kDeviation));
    // The constructor of a batch norm draws nothing; a convolution's draws one word for each weight.
    const Tensor tensor = set_.Parameter(name, shape, mean == 0 ? WeightInit(shape[1]) : Constant(1));
    redrawn_.emplace_back(tensor, mean);
    return tensor;
  }

  Style style_;
  std::string prefix_;
  ParameterSet& set_;
  bool deferred_;
  std::vector<std::pair<Tensor, double>> redrawn_;
};

}  // namespace

DcganPlan::DcganPlan(const Spec& spec)
    : variant(VariantOf(Text(spec, "variant"))),
      size(Integer(spec, "size")),
      channels(Integer(spec, "channels")),
      latent(Integer(spec, "latent")),
      width(Integer(spec, "width")),
      stem(size == 96 ? 6 : 4),
      stages(StagesOf(size, stem)),
      labels(spec) {}

Tensor DrawLatent(const DcganPlan& plan, int64_t count, at::Generator generator) {
  const auto options = at::TensorOptions(at::kFloat).device(generator.device());
  if (plan.variant == DcganVariant::kPytorch) return at::randn({count, plan.latent}, generator, options);
  return at::empty({count, plan.latent}, options).uniform_(-1, 1, generator);
}

DcganGenerator::DcganGenerator(const DcganPlan& plan, Fill fill, at::Device device,
                               std::optional<at::Generator> generator)
    : plan_(plan), set_(fill, device, std::move(generator)) {
  const Style style = StyleOf(plan.variant);
  Builder build(plan, "generator.", set_);
  for (int64_t i = 0; i <= plan.stages; ++i) {
    const bool last = i == plan.stages;
    const int64_t outputs = last ? plan.channels : plan.width << (plan.stages - 1 - i);
    const int64_t units = i == 0 && style.dense ? outputs * plan.stem * plan.stem : outputs;
    const std::string name = GeneratorLayer(plan.variant, i);
    if (i > 0) {
      const int64_t inputs = plan.width << (plan.stages - i);
      layers_.push_back(build.Layer(name, {inputs, outputs, style.kernel, style.kernel}, units));
    } else if (style.dense) {
      layers_.push_back(build.Layer(name, {units, plan.inputs()}, units));
    } else {
      layers_.push_back(build.Layer(name, {plan.inputs(), outputs, plan.stem, plan.stem}, units));
    }
    if (!last) build.Norm(layers_.back(), GeneratorNorm(plan.variant, i), units);
  }
  build.Finish();
  // As large as latents are.
  if (plan.labels.attributes() > 0)
    labels_ = set_.Parameter(LabelsIn("generator."), {plan.latent, plan.labels.width()}, Normal(0, 1));
}

Tensor DcganGenerator::Forward(Ops& ops, const Tensor& z, const Tensor& labels,
                               BatchStatistics statistics) const {
  const Style style = StyleOf(plan_.variant);
  ops.Begin();
  Tensor x = z;
  if (labels_.defined()) {
    ops.Enter(LabelsIn("generator."));
    x = ops.Concat(z, ops.Linear(labels, {labels_, {}}));
  }
  if (!style.dense) x = x.view({x.size(0), plan_.inputs(), 1, 1});
  for (size_t i = 0; i < layers_.size(); ++i) {
    const DcganLayer& layer = layers_[i];
    ops.Enter(layer.name);
    if (i > 0) {
      x = ops.ConvTranspose(x, {layer.weight, layer.bias}, 2, style.padding, style.output_padding);
    } else if (style.dense) {
      x = ops.Linear(x, {layer.weight, layer.bias});  // [N,C*stem*stem]
    } else {
      x = ops.ConvTranspose(x, {layer.weight, layer.bias}, 1, 0, 0);  // [N,C,stem,stem]
    }
    if (!layer.norm) break;
    ops.Enter(layer.norm_name);
    x = CheckCancelled(ops.BatchNorm(x, *layer.norm, statistics, Activation::kRelu));
    if (x.dim() == 2) x = x.view({x.size(0), -1, plan_.stem, plan_.stem});
  }
  return CheckCancelled(ops.Activate(x, style.output));
}

DcganDiscriminator::DcganDiscriminator(const DcganPlan& plan, Fill fill, at::Device device,
                                       std::optional<at::Generator> generator)
    : plan_(plan), set_(fill, device, std::move(generator)) {
  const Style style = StyleOf(plan.variant);
  Builder build(plan, "discriminator.", set_);
  for (int64_t i = 0; i <= plan.stages; ++i) {
    const int64_t inputs = i == 0 ? plan.channels : plan.width << (i - 1);
    const std::string name = DiscriminatorLayer(plan.variant, i, plan.stages);
    if (i < plan.stages) {
      const int64_t outputs = plan.width << i;
      layers_.push_back(build.Layer(name, {outputs, inputs, style.kernel, style.kernel}, outputs));
      if (i > 0) build.Norm(layers_.back(), DiscriminatorNorm(plan.variant, i), outputs);
    } else if (style.dense) {
      layers_.push_back(build.Layer(name, {style.logits, inputs * plan.stem * plan.stem}, style.logits));
    } else {
      layers_.push_back(build.Layer(name, {style.logits, inputs, plan.stem, plan.stem}, style.logits));
    }
  }
  build.Finish();
  if (plan.labels.attributes() > 0) {
    const int64_t units = plan.width << (plan.stages - 1);
    labels_ = set_.Parameter(LabelsIn("discriminator."), {units, plan.labels.width()}, Normal(0, kDeviation));
  }
}

Tensor DcganDiscriminator::Forward(Ops& ops, const Tensor& pictures, const Tensor& labels,
                                   BatchStatistics statistics) const {
  const Style style = StyleOf(plan_.variant);
  Tensor x = pictures;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    const DcganLayer& layer = layers_[i];
    ops.Enter(layer.name);
    x = ops.Conv(x, {layer.weight, layer.bias}, 2, style.padding);
    ops.Enter(layer.norm_name);
    x = CheckCancelled(layer.norm ? ops.BatchNorm(x, *layer.norm, statistics, style.hidden)
                                  : ops.Activate(x, style.hidden));
  }
  Tensor known;  // [N,1]
  if (labels_.defined()) {
    ops.Enter(LabelsIn("discriminator."));
    known = (ops.MeanOfPositions(x) * ops.Linear(labels, {labels_, {}})).sum({1}, true);
  }
  const DcganLayer& head = layers_.back();
  ops.Enter(head.name);
  x = style.dense ? ops.Linear(x.reshape({x.size(0), -1}), {head.weight, head.bias})
                  : ops.Conv(x, {head.weight, head.bias}, 1, 0);
  if (style.logits == 1) x = x.reshape({-1});
  if (!known.defined()) return x;
  return style.logits == 1 ? x + known.squeeze(1)
                           : at::cat({x.narrow(1, 0, 1) + known, x.narrow(1, 1, 1)}, 1);
}

}  // namespace shinsaku
