// The only conversions between JavaScript values and the core's plain C++ values.
#pragma once

#include <napi.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "napi/queue.h"

namespace shinsaku {

Spec ToSpec(const Napi::Value& value);
int64_t ToCount(const Napi::Value& value);
std::vector<int64_t> ToShape(const Napi::Value& value);
// One of a few words.
template <typename Choice>
Choice ToChoice(const Napi::Value& value, const std::map<std::string, Choice>& choices) {
  const auto found = value.IsString() ? choices.find(value.As<Napi::String>().Utf8Value()) : choices.end();
  if (found != choices.end()) return found->second;
  std::string words;
  for (const auto& [word, choice] : choices) words += (words.empty() ? "\"" : " or \"") + word + "\"";
  throw Napi::TypeError::New(value.Env(), "expected " + words);
}

// What follows stays where it is; `keep` holds it.
std::vector<HostTensor> ToTensors(const Napi::Value& value, KeepAlive& keep);
// Named arrays with their shapes; none where `value` is undefined.
std::vector<HostTensor> ToInputs(const Napi::Value& value, KeepAlive& keep);
Bytes ToBytes(const Napi::Value& value, KeepAlive& keep);
Floats ToFloats(const Napi::Value& value, KeepAlive& keep);
// A mean and a covariance of a file of statistics.
StatisticsView ToStatistics(const Napi::Value& value, KeepAlive& keep);
// None where `value` is null or undefined.
std::optional<Bytes> ToBytesOrNone(const Napi::Value& value, KeepAlive& keep);
std::optional<Floats> ToFloatsOrNone(const Napi::Value& value, KeepAlive& keep);

Napi::Value FromMetrics(Napi::Env env, const Metrics& metrics);
Napi::Value FromPlan(Napi::Env env, const UpdatePlan& plan);
Napi::Value FromNeighbours(Napi::Env env, const Neighbours& neighbours);
Napi::Value FromFloats(Napi::Env env, const std::vector<float>& floats);
Napi::Value FromStatistics(Napi::Env env, const Statistics& statistics);
Napi::Value FromResults(Napi::Env env, const Results& results);
Napi::Value FromDoubles(Napi::Env env, const std::vector<double>& numbers);
Napi::Value FromBytes(Napi::Env env, std::vector<uint8_t> bytes);
Napi::Value FromBytesOrNone(Napi::Env env, std::optional<std::vector<uint8_t>> bytes);
Napi::Value FromInfos(Napi::Env env, const std::vector<TensorInfo>& infos);
Napi::Value FromDescription(Napi::Env env, const Description& description);
Napi::Value FromGraph(Napi::Env env, const Graph& graph);
Napi::Value FromSamplingPlan(Napi::Env env, const SamplingPlan& plan);
Napi::Value FromDeviceInfo(Napi::Env env, const DeviceInfo& info);

}  // namespace shinsaku
