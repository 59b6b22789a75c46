// What one unit of work needs of the process, and where others may come in between.
#pragma once

#include <optional>

#include "core/api.h"
#include "core/runtime/caching_allocator.h"
#include "core/runtime/graphs.h"

namespace shinsaku {

// Threads, precision, stream and memory of a unit, in force until the end of the scope. Several trainers and
// models share these switches of the process, so each unit sets its own. There is one at a time.
class UnitScope {
 public:
  // Reads "threads", and what ApplyPrecision() reads. `spec` must outlive the scope. Without `graphs` the
  // stream stays as it is, and without `allocator` so does where memory comes from.
  explicit UnitScope(const Spec& spec, const Graphs* graphs = nullptr, CachingAllocator* allocator = nullptr);
  ~UnitScope();
  UnitScope(const UnitScope&) = delete;
  UnitScope& operator=(const UnitScope&) = delete;

 private:
  friend void RunInterruptions();
  void Enter();
  void Leave();

  const Spec& spec_;
  const Graphs* graphs_;
  CachingAllocator* allocator_;
  std::optional<OnGraphStream> stream_;
  std::optional<CachingAllocator::Use> memory_;
};

// Runs what waits to go before the rest of this unit, if anything does: everything that the unit has computed
// is finished before, nothing of its scope is in force meanwhile, and all of it is afterwards. Not to be
// called where gradients are being recorded, nor while a graph is.
void RunInterruptions();

}  // namespace shinsaku
