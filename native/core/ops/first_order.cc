// What a backward of our own asks of its caller.
#include "core/ops/first_order.h"

#include <ATen/core/grad_mode.h>

#include <string>

#include "core/api.h"

namespace shinsaku {

void RequireFirstOrder(const char* operation) {
  if (!at::GradMode::is_enabled()) return;
  throw Failure(
      "NATIVE_FAILED",
      std::string("the backward of ") + operation +
          " is a kernel of our own, which cannot be differentiated again; a second derivative needs "
          "the reference backend (option exact)");
}

}  // namespace shinsaku
