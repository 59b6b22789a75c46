// The kinds of model that are there: each kind's recipe file adds its own.
#include <vector>

#include "core/models/training_step.h"

namespace shinsaku {
namespace {

// Filled before main() from several files, so it must come to life at first use.
std::vector<ModelKind>& Kinds() {
  static std::vector<ModelKind> kinds;
  return kinds;
}

}  // namespace

RegisterModel::RegisterModel(const ModelKind& kind) { Kinds().push_back(kind); }

const ModelKind& FindModel(const Spec& spec) {
  const std::string& name = Text(spec, "model");
  for (const ModelKind& kind : Kinds()) {
    if (name == kind.name) return kind;
  }
  throw Failure("NATIVE_FAILED", "unknown model \"" + name + "\"");
}

}  // namespace shinsaku
