// Memory of a trainer: what one update lets go of serves the next, so that nothing is given back to the
// system and asked for again a thousand times in every step.
#pragma once

#include <memory>

namespace shinsaku {

// Large tensors on the CPU that are made on this thread while a Recycler is in use come from it. They may
// outlive it; their memory then goes back as usual.
class Recycler {
 public:
  Recycler();
  ~Recycler();
  Recycler(const Recycler&) = delete;
  Recycler& operator=(const Recycler&) = delete;

  // In use until the end of the scope.
  class Use {
   public:
    explicit Use(Recycler& recycler);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  // An update ends: lets go of what the last few had no use for.
  void Tick();

  struct Shelf;

 private:
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace shinsaku
