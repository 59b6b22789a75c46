// The ops sets there are.
#include "core/ops/ops.h"

#include "core/model.h"
#include "core/ops/reference/reference_ops.h"

namespace shinsaku {

std::unique_ptr<Ops> MakeReferenceOps() { return std::make_unique<ReferenceOps>(); }

std::unique_ptr<Ops> MakeOps(const std::string& name) {
  if (name == "reference") return MakeReferenceOps();
  throw Failure("NATIVE_FAILED", "unknown ops set \"" + name + "\"");
}

}  // namespace shinsaku
