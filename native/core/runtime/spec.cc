// Readers of resolved options; a missing or mistyped key is a defect of the caller and names itself.
#include <cmath>

#include "core/api.h"

namespace shinsaku {
namespace {

template <typename T>
const T& Read(const Spec& spec, const std::string& key, const char* kind) {
  auto found = spec.find(key);
  if (found == spec.end())
    throw Failure("NATIVE_FAILED", "option \"" + key + "\" is missing in the native spec");
  const T* value = std::get_if<T>(&found->second);
  if (!value)
    throw Failure("NATIVE_FAILED", "option \"" + key + "\" must be " + kind + " in the native spec");
  return *value;
}

}  // namespace

double Number(const Spec& spec, const std::string& key) { return Read<double>(spec, key, "a number"); }

int64_t Integer(const Spec& spec, const std::string& key) {
  const double value = Number(spec, key);
  if (value != std::floor(value) || std::abs(value) > 9007199254740991.0) {
    throw Failure("NATIVE_FAILED", "option \"" + key + "\" must be an integer in the native spec");
  }
  return static_cast<int64_t>(value);
}

bool Flag(const Spec& spec, const std::string& key) { return Read<bool>(spec, key, "true or false"); }

const std::string& Text(const Spec& spec, const std::string& key) {
  return Read<std::string>(spec, key, "text");
}

const std::vector<double>& Numbers(const Spec& spec, const std::string& key) {
  return Read<std::vector<double>>(spec, key, "a list of numbers");
}

bool Has(const Spec& spec, const std::string& key) { return spec.contains(key); }

}  // namespace shinsaku
