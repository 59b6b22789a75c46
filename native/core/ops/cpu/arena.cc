// Memory of the cpu set: buffers that go round from one operation, and one pass, to the next.
#include "core/ops/cpu/arena.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace shinsaku::cpu {
namespace {

// Passes after which an unused buffer goes: several samplers of one model may take turns.
constexpr int64_t kPatience = 8;
// A buffer this many times too large is left to whoever needs it.
constexpr int64_t kWaste = 2;

// Neither the tensor itself is in other hands nor a view of it.
bool Free(const at::Tensor& floats) { return floats.use_count() == 1 && floats.storage().use_count() == 1; }

}  // namespace

void Arena::Begin() {
  ++pass_;
  std::erase_if(buffers_, [&](const Buffer& b) { return b.last_pass + kPatience < pass_ && Free(b.floats); });
}

at::Tensor Arena::Floats(int64_t count) {
  count = std::max<int64_t>(count, 1);
  Buffer* best = nullptr;
  for (Buffer& buffer : buffers_) {
    const int64_t size = buffer.floats.numel();
    if (size < count || size > kWaste * count || !Free(buffer.floats)) continue;
    if (!best || size < best->floats.numel()) best = &buffer;
  }
  if (!best) best = &buffers_.emplace_back(Buffer{at::empty({count}, at::kFloat), 0});
  best->last_pass = pass_;
  return best->floats;
}

}  // namespace shinsaku::cpu
