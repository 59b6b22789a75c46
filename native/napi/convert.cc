// The only conversions between JavaScript values and the core's plain C++ values.
#include "napi/convert.h"

#include <algorithm>

namespace shinsaku {
namespace {

// Longer lists are a mistake: they would take minutes, or all of the memory.
constexpr uint32_t kMaxEntries = 1 << 24;

Napi::Array ToList(const Napi::Value& value, const char* what) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), std::string("expected a list of ") + what);
  const auto array = value.As<Napi::Array>();
  if (array.Length() > kMaxEntries) {
    throw Napi::TypeError::New(value.Env(), std::string("expected a shorter list of ") + what);
  }
  return array;
}

template <typename T>
Napi::Array FromNumbers(Napi::Env env, const std::vector<T>& numbers) {
  Napi::Array array = Napi::Array::New(env, numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) array.Set(i, static_cast<double>(numbers[i]));
  return array;
}

Napi::Object ToObject(const Napi::Value& value, const char* what) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), std::string("expected ") + what);
  return value.As<Napi::Object>();
}

double ToNumber(const Napi::Value& value) {
  if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), "expected a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t Counted(Napi::Env env, double number) {
  if (!(number >= 0 && number <= 9007199254740991.0)) throw Napi::TypeError::New(env, "expected a count");
  return static_cast<int64_t>(number);
}

std::string ToText(const Napi::Value& value, const char* what) {
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), std::string("expected text for ") + what);
  return value.As<Napi::String>();
}

std::vector<double> ToNumbers(const Napi::Value& value) {
  const Napi::Array array = ToList(value, "numbers");
  std::vector<double> numbers(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) numbers[i] = ToNumber(array.Get(i));
  return numbers;
}

// The type of a typed array; none where `value` is anything else.
std::optional<napi_typedarray_type> TypeOf(const Napi::Value& value) {
  if (!value.IsTypedArray()) return std::nullopt;
  return value.As<Napi::TypedArray>().TypedArrayType();
}

template <typename Array>
Array Kept(const Napi::Value& value, napi_typedarray_type type, const char* what, KeepAlive& keep) {
  if (TypeOf(value) != type) throw Napi::TypeError::New(value.Env(), std::string("expected ") + what);
  keep.push_back(Napi::Persistent(value.As<Napi::Object>()));
  return value.As<Array>();
}

Napi::Int32Array FromIndices(Napi::Env env, const std::vector<int32_t>& indices) {
  auto array = Napi::Int32Array::New(env, indices.size());
  std::copy(indices.begin(), indices.end(), array.Data());
  return array;
}

}  // namespace

Spec ToSpec(const Napi::Value& value) {
  const Napi::Object object = ToObject(value, "an object of options");
  const Napi::Array keys = object.GetPropertyNames();
  Spec spec;
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = keys.Get(i).ToString();
    const Napi::Value entry = object.Get(key);
    if (entry.IsBoolean()) {
      spec[key] = entry.As<Napi::Boolean>().Value();
    } else if (entry.IsNumber()) {
      spec[key] = entry.As<Napi::Number>().DoubleValue();
    } else if (entry.IsString()) {
      spec[key] = entry.As<Napi::String>().Utf8Value();
    } else if (entry.IsArray()) {
      spec[key] = ToNumbers(entry);
    } else {
      throw Napi::TypeError::New(value.Env(), "option \"" + key + "\" has no native form");
    }
  }
  return spec;
}

int64_t ToCount(const Napi::Value& value) { return Counted(value.Env(), ToNumber(value)); }

std::vector<int64_t> ToShape(const Napi::Value& value) {
  std::vector<int64_t> shape;
  for (const double number : ToNumbers(value)) shape.push_back(Counted(value.Env(), number));
  return shape;
}

std::vector<HostTensor> ToTensors(const Napi::Value& value, KeepAlive& keep) {
  const Napi::Array array = ToList(value, "tensors");
  std::vector<HostTensor> tensors(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Object object = ToObject(array.Get(i), "a tensor");
    HostTensor& tensor = tensors[i];
    tensor.name = ToText(object.Get("name"), "the name of a tensor");
    tensor.dtype = ToText(object.Get("dtype"), "the type of a tensor");
    tensor.shape = ToShape(object.Get("shape"));
    const auto bytes = Kept<Napi::Uint8Array>(object.Get("bytes"), napi_uint8_array, "a Uint8Array", keep);
    tensor.data = bytes.Data();
    tensor.bytes = bytes.ByteLength();
  }
  return tensors;
}

std::vector<HostTensor> ToInputs(const Napi::Value& value, KeepAlive& keep) {
  if (value.IsUndefined()) return {};
  const Napi::Object inputs = ToObject(value, "an object of inputs");
  const Napi::Array names = inputs.GetPropertyNames();
  std::vector<HostTensor> tensors(names.Length());
  for (uint32_t i = 0; i < names.Length(); ++i) {
    HostTensor& tensor = tensors[i];
    tensor.name = names.Get(i).ToString();
    const Napi::Object object = ToObject(inputs.Get(tensor.name), "an input with a shape and values");
    tensor.shape = ToShape(object.Get("shape"));
    const Napi::Value values = object.Get("values");
    if (TypeOf(values) == napi_float32_array) {
      const Floats floats = *ToFloatsOrNone(values, keep);
      tensor.dtype = "F32";
      tensor.data = reinterpret_cast<const uint8_t*>(floats.data());
      tensor.bytes = floats.size_bytes();
    } else {
      const auto bytes =
          Kept<Napi::Uint8Array>(values, napi_uint8_array, "a Uint8Array or a Float32Array", keep);
      tensor.dtype = "U8";
      tensor.data = bytes.Data();
      tensor.bytes = bytes.ByteLength();
    }
  }
  return tensors;
}

Bytes ToBytes(const Napi::Value& value, KeepAlive& keep) {
  const auto array = Kept<Napi::Uint8Array>(value, napi_uint8_array, "a Uint8Array", keep);
  return Bytes(array.Data(), array.ElementLength());
}

std::optional<Bytes> ToBytesOrNone(const Napi::Value& value, KeepAlive& keep) {
  if (value.IsNull() || value.IsUndefined()) return std::nullopt;
  return ToBytes(value, keep);
}

Floats ToFloats(const Napi::Value& value, KeepAlive& keep) {
  const auto array = Kept<Napi::Float32Array>(value, napi_float32_array, "a Float32Array", keep);
  return Floats(array.Data(), array.ElementLength());
}

std::optional<Floats> ToFloatsOrNone(const Napi::Value& value, KeepAlive& keep) {
  if (value.IsNull() || value.IsUndefined()) return std::nullopt;
  return ToFloats(value, keep);
}

StatisticsView ToStatistics(const Napi::Value& value, KeepAlive& keep) {
  const Napi::Object object = ToObject(value, "features, or a mean and a covariance");
  const auto doubles = [&](const char* name) {
    const auto array = Kept<Napi::Float64Array>(object.Get(name), napi_float64_array, "a Float64Array", keep);
    return Doubles(array.Data(), array.ElementLength());
  };
  return {doubles("mean"), doubles("covariance")};
}

Napi::Value FromMetrics(Napi::Env env, const Metrics& metrics) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, values] : metrics) object.Set(name, FromNumbers(env, values));
  return object;
}

Napi::Value FromPlan(Napi::Env env, const UpdatePlan& plan) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("indices", FromIndices(env, plan.indices));
  object.Set("sizes", FromIndices(env, plan.sizes));
  return object;
}

Napi::Value FromDoubles(Napi::Env env, const std::vector<double>& numbers) {
  auto array = Napi::Float64Array::New(env, numbers.size());
  std::copy(numbers.begin(), numbers.end(), array.Data());
  return array;
}

Napi::Value FromNeighbours(Napi::Env env, const Neighbours& neighbours) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("indices", FromIndices(env, neighbours.indices));
  object.Set("distances", FromDoubles(env, neighbours.distances));
  return object;
}

Napi::Value FromFloats(Napi::Env env, const std::vector<float>& floats) {
  auto array = Napi::Float32Array::New(env, floats.size());
  std::copy(floats.begin(), floats.end(), array.Data());
  return array;
}

Napi::Value FromStatistics(Napi::Env env, const Statistics& statistics) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("n", static_cast<double>(statistics.count));
  object.Set("mean", FromDoubles(env, statistics.mean));
  object.Set("covariance", FromDoubles(env, statistics.covariance));
  return object;
}

Napi::Value FromResults(Napi::Env env, const Results& results) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, value] : results) {
    if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
      object.Set(name, FromDoubles(env, *numbers));
    } else {
      object.Set(name, std::get<double>(value));
    }
  }
  return object;
}

Napi::Value FromBytes(Napi::Env env, std::vector<uint8_t> bytes) {
  auto* owner = new std::vector<uint8_t>(std::move(bytes));
  return Napi::Buffer<uint8_t>::NewOrCopy(
      env, owner->data(), owner->size(), [](Napi::Env, uint8_t*, std::vector<uint8_t>* o) { delete o; },
      owner);
}

Napi::Value FromBytesOrNone(Napi::Env env, std::optional<std::vector<uint8_t>> bytes) {
  return bytes ? FromBytes(env, std::move(*bytes)) : env.Null();
}

Napi::Value FromInfos(Napi::Env env, const std::vector<TensorInfo>& infos) {
  Napi::Array array = Napi::Array::New(env, infos.size());
  for (size_t i = 0; i < infos.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", infos[i].name);
    object.Set("dtype", infos[i].dtype);
    object.Set("shape", FromNumbers(env, infos[i].shape));
    array.Set(i, object);
  }
  return array;
}

Napi::Value FromDescription(Napi::Env env, const Description& description) {
  Napi::Array layers = Napi::Array::New(env, description.layers.size());
  for (size_t i = 0; i < description.layers.size(); ++i) {
    const Layer& layer = description.layers[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", layer.name);
    object.Set("operation", layer.operation);
    object.Set("shape", FromNumbers(env, layer.shape));
    object.Set("parameters", static_cast<double>(layer.parameters));
    layers.Set(i, object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("layers", layers);
  object.Set("parameters", static_cast<double>(description.parameters));
  object.Set("activationBytes", description.activation_bytes);
  return object;
}

namespace {

Napi::Object FromSpec(Napi::Env env, const Spec& spec) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, value] : spec) {
    if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
      object.Set(name, FromNumbers(env, *numbers));
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      object.Set(name, *text);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      object.Set(name, *flag);
    } else {
      object.Set(name, std::get<double>(value));
    }
  }
  return object;
}

Napi::Object FromCombination(Napi::Env env, const StepCombination& combination) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("x", combination.x);
  object.Set("model", FromNumbers(env, combination.model));
  object.Set("noise", combination.noise);
  return object;
}

}  // namespace

Napi::Value FromGraph(Napi::Env env, const Graph& graph) {
  Napi::Array nodes = Napi::Array::New(env, graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    Napi::Array inputs = Napi::Array::New(env, node.inputs.size());
    for (size_t k = 0; k < node.inputs.size(); ++k) inputs.Set(k, node.inputs[k]);
    Napi::Object object = Napi::Object::New(env);
    object.Set("layer", node.layer);
    object.Set("operation", node.operation);
    object.Set("inputs", inputs);
    object.Set("attributes", FromSpec(env, node.attributes));
    object.Set("output", node.output);
    object.Set("shape", FromNumbers(env, node.shape));
    nodes.Set(i, object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("inputs", FromInfos(env, graph.inputs));
  object.Set("nodes", nodes);
  object.Set("output", graph.output);
  return object;
}

Napi::Value FromSamplingPlan(Napi::Env env, const SamplingPlan& plan) {
  Napi::Array steps = Napi::Array::New(env, plan.steps.size());
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const PlannedStep& step = plan.steps[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("time", static_cast<double>(step.time));
    object.Set("xToX0", step.x_to_x0);
    object.Set("outputToX0", step.output_to_x0);
    object.Set("xToPrediction", step.x_to_prediction);
    object.Set("x0ToPrediction", step.x0_to_prediction);
    if (step.correct) object.Set("correct", FromCombination(env, *step.correct));
    object.Set("predict", FromCombination(env, step.predict));
    steps.Set(i, object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("start", FromCombination(env, plan.start));
  object.Set("steps", steps);
  return object;
}

namespace {

Napi::Object FromNumerics(Napi::Env env, const Numerics& numerics) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("matmul", numerics.matmul);
  object.Set("convolution", numerics.convolution);
  object.Set("allowTf32Cublas", numerics.allow_tf32_cublas);
  object.Set("allowTf32Cudnn", numerics.allow_tf32_cudnn);
  object.Set("deterministicAlgorithms", numerics.deterministic_algorithms);
  object.Set("deterministicCudnn", numerics.deterministic_cudnn);
  object.Set("benchmarkCudnn", numerics.benchmark_cudnn);
  return object;
}

}  // namespace

Napi::Value FromDeviceInfo(Napi::Env env, const DeviceInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("builtFor", info.built_for);
  object.Set("cpuCapability", info.cpu_capability);
  object.Set("threads", info.threads);
  object.Set("cudaDevices", info.cuda_devices);
  object.Set("cudaKernels", info.cuda_kernels);
  Napi::Array ops = Napi::Array::New(env, info.cpu_ops.size());
  for (size_t i = 0; i < info.cpu_ops.size(); ++i) ops.Set(i, info.cpu_ops[i]);
  object.Set("cpuOps", ops);
  object.Set("numerics", FromNumerics(env, info.numerics));
  return object;
}

}  // namespace shinsaku
