// Threads and precision of the units that measure.
#pragma once

#include "core/api.h"

namespace shinsaku {

// What a UnitScope reads: float32 as it is, on so many threads.
Spec MeasuringSpec(int64_t threads);

}  // namespace shinsaku
