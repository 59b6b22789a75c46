// Memory of a trainer: what one update lets go of serves the next, so that nothing is given back to the
// system and asked for again a thousand times in every step.
#include "core/runtime/caching_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <unordered_map>

namespace shinsaku {
namespace {

constexpr size_t kLarge = 64 << 10;  // smaller ones the usual allocator keeps well itself
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = 2 << 20;  // of the kernel: a map read in strides misses fewer page tables
constexpr int64_t kPatience = 24;      // updates after which an unused block goes
constexpr size_t kWaste = 4;           // a block may be a 4th larger than asked for

size_t RoundUp(size_t bytes) {
  const size_t unit = bytes >= kHugePage ? kHugePage : kPage;
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

struct CachingAllocator::Pool {
  struct Free {
    void* data;
    int64_t last_update;
  };
  std::mutex mutex;
  std::multimap<size_t, Free> free;  // by size
  int64_t update = 0;
  bool open = true;

  // A block of `bytes`, or null where there is none.
  void* Take(size_t bytes, size_t* size) {
    const std::lock_guard lock(mutex);
    const auto found = free.lower_bound(bytes);
    if (found == free.end() || found->first > bytes + bytes / kWaste) return nullptr;
    void* data = found->second.data;
    *size = found->first;
    free.erase(found);
    return data;
  }

  void Put(void* data, size_t size) {
    const std::lock_guard lock(mutex);
    if (!open) return std::free(data);
    free.emplace(size, Free{data, update});
  }

  void Drop(int64_t before) {
    const std::lock_guard lock(mutex);
    std::erase_if(free, [&](const auto& entry) {
      if (entry.second.last_update >= before) return false;
      std::free(entry.second.data);
      return true;
    });
  }
};

namespace {

thread_local std::shared_ptr<CachingAllocator::Pool> in_use;

// Stands before libtorch's allocator, for the threads that a allocator is in use on. A block is known by its
// address alone, as libtorch's raw interface wants it.
class Allocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (!in_use || bytes < kLarge) return usual_->allocate(bytes);
    size_t size = RoundUp(bytes);
    void* data = in_use->Take(size, &size);
    if (!data) data = New(size);
    if (!data) {
      in_use->Drop(INT64_MAX);
      return usual_->allocate(bytes);  // says it as libtorch would where there is none
    }
    const std::lock_guard lock(mutex_);
    blocks_[data] = {in_use, size};
    return {data, data, Return, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return usual_->raw_deleter() ? Return : nullptr; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  // The only one; it never goes, for tensors made by it may be the last to go.
  static Allocator& Only() {
    static auto* allocator = new Allocator(c10::GetCPUAllocator());
    return *allocator;
  }

 private:
  struct Block {
    std::shared_ptr<CachingAllocator::Pool> pool;
    size_t size;
  };

  explicit Allocator(c10::Allocator* usual) : usual_(usual) {}

  static void* New(size_t size) {
    void* data = std::aligned_alloc(size >= kHugePage ? kHugePage : kPage, size);
    if (data && size >= kHugePage) madvise(data, size, MADV_HUGEPAGE);
    return data;
  }

  static void Return(void* data) {
    Allocator& self = Only();
    std::unique_lock lock(self.mutex_);
    const auto found = self.blocks_.find(data);
    if (found == self.blocks_.end()) {
      lock.unlock();
      return self.usual_->raw_deleter()(data);
    }
    const Block block = std::move(found->second);
    self.blocks_.erase(found);
    lock.unlock();
    block.pool->Put(data, block.size);
  }

  c10::Allocator* usual_;
  std::mutex mutex_;
  std::unordered_map<void*, Block> blocks_;
};

void Install() {
  static const bool done = [] {
    c10::SetCPUAllocator(&Allocator::Only());
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace

CachingAllocator::CachingAllocator() : pool_(std::make_shared<Pool>()) { Install(); }

CachingAllocator::~CachingAllocator() {
  pool_->Drop(INT64_MAX);
  const std::lock_guard lock(pool_->mutex);
  pool_->open = false;
}

CachingAllocator::Use::Use(CachingAllocator& allocator) { in_use = allocator.pool_; }
CachingAllocator::Use::~Use() { in_use.reset(); }

void CachingAllocator::EndUpdate() { pool_->Drop(++pool_->update - kPatience); }

}  // namespace shinsaku
