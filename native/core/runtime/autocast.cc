// bf16 arithmetic where the spec asks for it, chosen for each operation by PyTorch's autocast lists.
#include "core/runtime/autocast.h"

#include <ATen/autocast_mode.h>

namespace shinsaku {

Autocast::Autocast(const Spec& spec, at::Device device)
    : device_(device.type()), on_(Text(spec, "precision") == "bf16") {
  if (!on_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
}

Autocast::~Autocast() {
  if (!on_) return;
  at::autocast::set_autocast_enabled(device_, false);
  at::autocast::clear_cache();
}

}  // namespace shinsaku
