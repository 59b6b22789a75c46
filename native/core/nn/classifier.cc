// The two networks that tell classes of pictures apart; classifier.h has their layers.
#include "core/nn/classifier.h"

#include <ATen/TensorOperators.h>

#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

constexpr int64_t kConvolutions = 3;

ClassifierVariant VariantOf(const std::string& name) {
  if (name == "mlp") return ClassifierVariant::kMlp;
  if (name == "cnn") return ClassifierVariant::kCnn;
  throw Failure("NATIVE_FAILED", "unknown classifier variant \"" + name + "\"");
}

int64_t ClassesOf(const Spec& spec) {
  return Has(spec, "labelGroups") ? static_cast<int64_t>(Numbers(spec, "labelGroups").size()) : 2;
}

}  // namespace

ClassifierPlan::ClassifierPlan(const Spec& spec)
    : variant(VariantOf(Text(spec, "variant"))),
      size(Integer(spec, "size")),
      channels(Integer(spec, "channels")),
      units(Integer(spec, "units")),
      width(Integer(spec, "width")),
      classes(ClassesOf(spec)) {}

Classifier::Layer Classifier::MakeLayer(const std::string& name, at::IntArrayRef shape, int64_t fan_in) {
  const Tensor weight = set_.Parameter(name + ".weight", shape, WeightInit(fan_in));
  return {name, weight, set_.Parameter(name + ".bias", {shape[0]}, BiasInit(fan_in))};
}

Classifier::Classifier(const ClassifierPlan& plan, Fill fill, at::Device device,
                       std::optional<at::Generator> generator)
    : set_(fill, device, std::move(generator)) {
  int64_t channels = plan.channels, side = plan.size;
  std::vector<int64_t> outputs{plan.units, plan.classes};
  if (plan.variant == ClassifierVariant::kMlp) {
    outputs.insert(outputs.begin(), plan.units);
  } else {
    for (int64_t i = 0; i < kConvolutions; ++i) {
      const int64_t next = plan.width << i;
      convolutions_.push_back(
          MakeLayer("conv" + std::to_string(i + 1), {next, channels, 3, 3}, channels * 9));
      channels = next;
      side /= 2;
    }
  }
  int64_t inputs = channels * side * side;
  for (size_t i = 0; i < outputs.size(); ++i) {
    dense_.push_back(MakeLayer("fc" + std::to_string(i + 1), {outputs[i], inputs}, inputs));
    inputs = outputs[i];
  }
}

Tensor Classifier::Forward(Ops& ops, const Tensor& x) const {
  ops.Begin();
  Tensor y = (1 - x) * 0.5;
  for (const Layer& layer : convolutions_) {
    ops.Enter(layer.name);
    y = ops.Activate(ops.Conv(y, {layer.weight, layer.bias}, 1, 1), Activation::kRelu);
    y = CheckCancelled(ops.MaxPool(y, {{2, 2}, {2, 2}}));
  }
  y = y.flatten(1);
  for (size_t i = 0; i < dense_.size(); ++i) {
    ops.Enter(dense_[i].name);
    y = ops.Linear(y, {dense_[i].weight, dense_[i].bias});
    if (i + 1 < dense_.size()) y = ops.Activate(y, Activation::kRelu);
  }
  return CheckCancelled(y);
}

}  // namespace shinsaku
