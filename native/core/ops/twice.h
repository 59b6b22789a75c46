// The ops set for what is differentiated twice: penalties on slopes.
#pragma once

#include <memory>
#include <string>

#include "core/ops/ops.h"

namespace shinsaku {

// What the set of that name has that can be differentiated twice, and the reference for the rest.
std::unique_ptr<Ops> MakeTwiceDifferentiableOps(const std::string& name);

}  // namespace shinsaku
