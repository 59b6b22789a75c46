// An ops set that records a network as a graph of operations. It computes nothing but shapes, on the meta
// device.
#include "core/ops/graph_ops.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <c10/util/StringUtil.h>

#include "core/ops/reference/aten.h"

namespace shinsaku {
namespace {

const c10::StorageImpl* MemoryOf(const Tensor& tensor) { return tensor.storage().unsafeGetStorageImpl(); }

std::vector<int64_t> PictureShape(at::IntArrayRef sizes) { return {sizes.begin() + 1, sizes.end()}; }

std::vector<double> NumbersOf(at::IntArrayRef numbers) { return {numbers.begin(), numbers.end()}; }

// Whether the values of each row are one behind the other.
bool RowsAreWhole(const Tensor& tensor) {
  int64_t expected = 1;
  for (int64_t i = tensor.dim() - 1; i > 0; --i) {
    if (tensor.size(i) != 1 && tensor.stride(i) != expected) return false;
    expected *= tensor.size(i);
  }
  return true;
}

Tensor Shaped(const Tensor& x) { return x.new_empty(x.sizes()); }

const char* NameOf(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
    case Activation::kLeakyRelu:
      return "leaky_relu";
    case Activation::kElu:
      return "elu";
    case Activation::kTanh:
      return "tanh";
    case Activation::kSilu:
      return "silu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kIdentity:
      break;
  }
  return "identity";
}

}  // namespace

void GraphRecorder::Input(const std::string& name, const Tensor& value) {
  values_.emplace(MemoryOf(value), Known{name, value});
  graph_.inputs.push_back({name, "F32", PictureShape(value.sizes())});
}

void GraphRecorder::Parameters(const NamedTensors& state) {
  for (const auto& [name, tensor] : state) parameters_.emplace(MemoryOf(tensor), Known{name, tensor});
}

std::string GraphRecorder::Add(const char* operation, std::vector<std::string> inputs, const Spec& attributes,
                               at::IntArrayRef sizes) {
  const std::string name = std::string(operation) + "_" + std::to_string(graph_.nodes.size());
  graph_.nodes.push_back({layer_, operation, std::move(inputs), attributes, name, PictureShape(sizes)});
  return name;
}

Tensor GraphRecorder::Operation(const char* operation, Tensor result, const std::vector<Tensor>& inputs,
                                const Spec& attributes) {
  std::vector<std::string> names;
  for (const Tensor& input : inputs) names.push_back(NameOf(input));
  while (!names.empty() && names.back().empty()) names.pop_back();
  const std::string name = Add(operation, std::move(names), attributes, result.sizes());
  values_.emplace(MemoryOf(result), Known{name, result});
  return result;
}

std::string GraphRecorder::NameOf(const Tensor& tensor) {
  if (!tensor.defined()) return "";
  const auto parameter = parameters_.find(MemoryOf(tensor));
  if (parameter != parameters_.end()) {
    const std::string form = FormOf(parameter->second, tensor);
    if (!form.empty()) return form;
  }
  const auto value = values_.find(MemoryOf(tensor));
  if (value == values_.end() || tensor.size(0) != value->second.tensor.size(0) || !RowsAreWhole(tensor))
    throw Failure("NATIVE_FAILED", "layer \"" + layer_ + "\" computes beside the ops set: what it takes, " +
                                       c10::str(tensor.sizes()) + ", is no value of the graph");
  return ViewOf(value->second, tensor);
}

// Empty for a form that a graph does not have.
std::string GraphRecorder::FormOf(const Known& parameter, const Tensor& form) {
  at::IntArrayRef sizes = form.sizes();
  const at::IntArrayRef own = parameter.tensor.sizes();
  if (sizes.size() >= 2 && form.strides() != parameter.tensor.strides() && own.size() == sizes.size() &&
      form.strides() == parameter.tensor.transpose(0, 1).strides()) {
    std::string& name = views_[parameter.name + " swapped"];
    if (name.empty()) name = Add("swap", {parameter.name}, {}, sizes);
    return name;
  }
  while (sizes.size() > own.size() && sizes[0] == 1) sizes = sizes.slice(1);
  return sizes == own ? parameter.name : "";
}

std::string GraphRecorder::ViewOf(const Known& known, const Tensor& view) {
  if (view.sizes() == known.tensor.sizes()) return known.name;
  const int64_t begin = view.storage_offset() - known.tensor.storage_offset();
  const int64_t count = view.numel() / view.size(0);
  std::string& name = views_[c10::str(known.name, " ", begin, " ", view.sizes())];
  if (!name.empty()) return name;
  name = known.name;
  if (view.numel() != known.tensor.numel()) {
    Spec part;
    part["begin"] = static_cast<double>(begin);
    part["end"] = static_cast<double>(begin + count);
    const int64_t sizes[] = {view.size(0), count};
    name = Add("part_of_row", {name}, part, sizes);
  }
  Spec shape;
  shape["shape"] = NumbersOf(view.sizes().slice(1));
  name = Add("reshape", {name}, shape, view.sizes());
  return name;
}

Tensor GraphOps::Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) {
  return recorder_.Operation(
      "conv", aten::conv2d(x, w.weight, w.bias, stride, padding), {x, w.weight, w.bias},
      {{"stride", static_cast<double>(stride)}, {"padding", static_cast<double>(padding)}});
}

Tensor GraphOps::ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                               int64_t output_padding) {
  return recorder_.Operation("conv_transpose",
                             aten::conv_transpose2d(x, w.weight, w.bias, stride, padding, output_padding),
                             {x, w.weight, w.bias},
                             {{"stride", static_cast<double>(stride)},
                              {"padding", static_cast<double>(padding)},
                              {"output_padding", static_cast<double>(output_padding)}});
}

Tensor GraphOps::Linear(const Tensor& x, const LinearWeights& w) {
  return recorder_.Operation("linear", at::linear(x, w.weight, w.bias), {x, w.weight, w.bias});
}

Tensor GraphOps::Activate(const Tensor& x, Activation activation) {
  if (activation == Activation::kIdentity) return x;
  return recorder_.Operation(NameOf(activation), Shaped(x), {x});
}

// `t` and `frequencies` have values, so they are on the CPU.
Tensor GraphOps::Sinusoids(const Tensor& t, const Tensor& frequencies) {
  const Tensor values = frequencies.to(at::kDouble).contiguous();
  const auto* data = values.const_data_ptr<double>();
  const Tensor result =
      at::empty({t.size(0), 2 * values.numel()}, at::TensorOptions(at::kMeta).dtype(at::kFloat));
  return recorder_.Operation("sinusoids", result, {t},
                             {{"frequencies", std::vector<double>(data, data + values.numel())}});
}

Tensor GraphOps::Norm(const Tensor& x, const NormWeights& w) {
  const Tensor y = Shaped(x);
  switch (w.kind) {
    case NormWeights::Kind::kGroup:
      return recorder_.Operation("group_norm", y, {x, w.gain, w.bias},
                                 {{"groups", static_cast<double>(NormWeights::kGroups)}});
    case NormWeights::Kind::kLayer:
      return recorder_.Operation("channel_norm", y, {x, w.gain, w.bias});
    case NormWeights::Kind::kRms:
      return recorder_.Operation("rms_norm", y, {x, w.gain});
  }
  return y;
}

Tensor GraphOps::NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                              const Tensor& shift) {
  Tensor y = Norm(x, w);
  if (scale.defined()) y = recorder_.Operation("film", Shaped(y), {y, scale, shift});
  return Activate(y, Activation::kSilu);
}

Tensor GraphOps::BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                           Activation activation) {
  if (statistics != BatchStatistics::kRunning)
    throw Failure("NATIVE_FAILED", "a graph has batch norms with running statistics only");
  const bool chainer = w.form == BatchNormWeights::Form::kChainer;
  const Tensor y =
      recorder_.Operation("batch_norm", Shaped(x), {x, w.gain, w.bias, w.running_mean, w.running_var},
                          {{"eps", chainer ? 0 : w.eps}});
  return Activate(y, activation);
}

Tensor GraphOps::Modulate(const Tensor& x, const Tensor& factors) {
  return recorder_.Operation("modulate", Shaped(x), {x, factors});
}

// `filter` has values, so it is on the CPU.
Tensor GraphOps::Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                          std::array<int64_t, 2> padding) {
  if (down != 1) throw Failure("NATIVE_FAILED", "a graph keeps every pixel of what it resamples");
  const Tensor taps = filter.to(at::kDouble).contiguous();
  const auto* data = taps.const_data_ptr<double>();
  return recorder_.Operation("resample", Ops::Resample(x, filter, up, down, padding), {x},
                             {{"filter", std::vector<double>(data, data + taps.numel())},
                              {"up", static_cast<double>(up)},
                              {"padding", std::vector<double>{padding.begin(), padding.end()}}});
}

Tensor GraphOps::StyledActivation(const Tensor& x, const StyledEnd& end) {
  Tensor y = end.scale.defined() ? Modulate(x, end.scale) : x;
  if (end.noise.defined()) y = recorder_.Operation("noise", Shaped(y), {y, end.noise, end.strength});
  y = recorder_.Operation("bias", Shaped(y), {y, end.bias});
  return Scale(Activate(y, Activation::kLeakyRelu), end.gain);
}

Tensor GraphOps::Demodulation(const Tensor& styles, const Tensor& weight, const Tensor&) {
  return recorder_.Operation("demodulation", styles.new_empty({styles.size(0), weight.size(0)}),
                             {styles, weight});
}

Tensor GraphOps::PixelNorm(const Tensor& x) { return recorder_.Operation("pixel_norm", Shaped(x), {x}); }

Tensor GraphOps::Scale(const Tensor& x, double factor) {
  return recorder_.Operation("scale", Shaped(x), {x}, {{"factor", factor}});
}

Tensor GraphOps::Add(const Tensor& a, const Tensor& b) {
  return recorder_.Operation("add", Shaped(a), {a, b});
}

// The parts that all attentions have; `operation` is what is between the projections.
Tensor GraphOps::Attend(const char* operation, const Tensor& x, const AttentionWeights& w) {
  const Tensor qkv = Conv(Norm(x, w.norm), {w.to_qkv, {}}, 1, 0);
  const Tensor out = recorder_.Operation(
      operation, x.new_empty({x.size(0), w.heads * w.head_dim, x.size(2), x.size(3)}), {qkv, w.memory},
      {{"heads", static_cast<double>(w.heads)},
       {"head_dim", static_cast<double>(w.head_dim)},
       {"cosine", w.cosine},
       {"divide_values", w.divide_values}});
  const Tensor y = Conv(out, w.to_out, 1, 0);
  return recorder_.Operation("add", Shaped(x), {w.out_norm.gain.defined() ? Norm(y, w.out_norm) : y, x});
}

Tensor GraphOps::LinearAttention(const Tensor& x, const AttentionWeights& w) {
  return Attend("linear_attention", x, w);
}

Tensor GraphOps::FullAttention(const Tensor& x, const AttentionWeights& w) {
  return Attend("full_attention", x, w);
}

Tensor GraphOps::Down(const Tensor& x, const ConvWeights& w, DownKind kind) {
  if (kind == DownKind::kConv4) return Conv(x, w, 2, 1);
  return Conv(recorder_.Operation("pixel_unshuffle", Shaped(at::pixel_unshuffle(x, 2)), {x}), w, 1, 0);
}

Tensor GraphOps::Up(const Tensor& x, const ConvWeights& w) {
  const double twice[] = {2.0, 2.0};
  return Conv(recorder_.Operation("upsample", at::upsample_nearest2d(x, std::nullopt, twice), {x}), w, 1, 1);
}

Tensor GraphOps::Concat(const Tensor& a, const Tensor& b) {
  return recorder_.Operation("concat", at::cat({a, b}, 1), {a, b});
}

Tensor GraphOps::ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                 const Residual& residual) {
  const Tensor h = NormFilmSilu(Conv(x, conv, 1, 1), norm, {}, {});
  Enter(residual.layer);
  const Tensor around =
      residual.shortcut.weight.defined() ? Conv(residual.x, residual.shortcut, 1, 0) : residual.x;
  return recorder_.Operation("add", Shaped(h), {h, around});
}

}  // namespace shinsaku
