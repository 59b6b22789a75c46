// Memory of a trainer: what one update lets go of serves the next, so that nothing is given back to the
// system and asked for again a thousand times in every step.
#pragma once

#include <memory>

namespace shinsaku {

// Large tensors on the CPU that are made on this thread while a CachingAllocator is in use come from it. They
// may outlive it; their memory then goes back as usual.
class CachingAllocator {
 public:
  CachingAllocator();
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  // In use until the end of the scope.
  class Use {
   public:
    explicit Use(CachingAllocator& allocator);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  // An update ends: lets go of what the last few had no use for.
  void EndUpdate();

  struct Pool;

 private:
  std::shared_ptr<Pool> pool_;
};

}  // namespace shinsaku
