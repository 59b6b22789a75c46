// The only conversions between JavaScript values and the core's plain C++ values.
#include "napi/convert.h"

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

Napi::Uint8Array ToBytes(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(value.Env(), "expected a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
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
    Napi::Uint8Array bytes = ToBytes(object.Get("bytes"));
    tensor.data = bytes.Data();
    tensor.bytes = bytes.ByteLength();
    keep.push_back(Napi::Persistent(bytes.As<Napi::Object>()));
  }
  return tensors;
}

Napi::Value FromMetrics(Napi::Env env, const Metrics& metrics) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, values] : metrics) object.Set(name, FromNumbers(env, values));
  return object;
}

Napi::Value FromBytes(Napi::Env env, std::vector<uint8_t> bytes) {
  auto* owner = new std::vector<uint8_t>(std::move(bytes));
  return Napi::Buffer<uint8_t>::NewOrCopy(
      env, owner->data(), owner->size(), [](Napi::Env, uint8_t*, std::vector<uint8_t>* o) { delete o; },
      owner);
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
