// Threads and precision of the units that measure.
#include "core/evaluate/measuring.h"

namespace shinsaku {

Spec MeasuringSpec(int64_t threads) {
  return {{"threads", static_cast<double>(threads)},
          {"precision", std::string("fp32")},
          {"deterministic", false},
          {"exact", true},
          {"ops", std::string("reference")}};
}

}  // namespace shinsaku
