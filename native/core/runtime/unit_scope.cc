// What one unit of work needs of the process, and where others may come in between.
#include "core/runtime/unit_scope.h"

#include <ATen/Parallel.h>

#include "core/runtime/device.h"

namespace shinsaku {
namespace {

// One for the process, as there is one device thread.
Interruptions* watched = nullptr;

thread_local UnitScope* current = nullptr;

}  // namespace

void WatchInterruptions(Interruptions* interruptions) noexcept { watched = interruptions; }

UnitScope::UnitScope(const Spec& spec, const Graphs* graphs, CachingAllocator* allocator)
    : spec_(spec), graphs_(graphs), allocator_(allocator) {
  Enter();
  current = this;
}

UnitScope::~UnitScope() {
  current = nullptr;
  memory_.reset();
  stream_.reset();
}

void UnitScope::Enter() {
  const auto threads = static_cast<int>(Integer(spec_, "threads"));
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
  ApplyPrecision(spec_);
  stream_.emplace(graphs_);
  if (allocator_) memory_.emplace(*allocator_);
}

void UnitScope::Leave() {
  if (graphs_) graphs_->stream().synchronize();
  memory_.reset();
  stream_.reset();
}

void RunInterruptions() {
  if (!watched || !current || !watched->Waiting()) return;
  UnitScope* const unit = current;
  unit->Leave();
  current = nullptr;
  watched->Run();
  current = unit;
  unit->Enter();
}

}  // namespace shinsaku
