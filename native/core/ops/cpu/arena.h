// Memory of the cpu set: buffers that go round from one operation, and one pass, to the next.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace shinsaku::cpu {

// A buffer is free again once nobody but the arena holds its storage. A pass asks for the same sizes in the
// same order as the one before, so from the second on nothing is allocated.
class Arena {
 public:
  // A new pass: lets go of buffers that the last few had no use for.
  void Begin();
  // At least `count` floats, of any value.
  at::Tensor Floats(int64_t count);

 private:
  struct Buffer {
    at::Tensor floats;
    int64_t last_pass;
  };
  std::vector<Buffer> buffers_;
  int64_t pass_ = 0;
};

}  // namespace shinsaku::cpu
