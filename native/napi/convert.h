// The only conversions between JavaScript values and the core's plain C++ values.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "core/api.h"
#include "napi/queue.h"

namespace shinsaku {

Spec ToSpec(const Napi::Value& value);
int64_t ToCount(const Napi::Value& value);
std::vector<int64_t> ToShape(const Napi::Value& value);
Napi::Uint8Array ToBytes(const Napi::Value& value);
// The bytes stay where they are; `keep` holds them.
std::vector<HostTensor> ToTensors(const Napi::Value& value, KeepAlive& keep);

Napi::Value FromMetrics(Napi::Env env, const Metrics& metrics);
Napi::Value FromBytes(Napi::Env env, std::vector<uint8_t> bytes);
Napi::Value FromInfos(Napi::Env env, const std::vector<TensorInfo>& infos);
Napi::Value FromDescription(Napi::Env env, const Description& description);
Napi::Value FromDeviceInfo(Napi::Env env, const DeviceInfo& info);

}  // namespace shinsaku
