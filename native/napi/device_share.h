// How sampling and training share the device thread.
#pragma once

#include <algorithm>

namespace shinsaku {

// Sampling goes first as long as training has had at least as much time. So beside endless sampling a run
// keeps half of the time, and a request takes at most twice as long as alone, once it has begun. Training
// that went on alone counts too, up to kMaxAhead seconds or one update: a short request waits for no update
// but the running one.
class DeviceShare {
 public:
  // Seconds that training has had.
  void AddTraining(double seconds) {
    ahead_ = std::max(ahead_, std::min(ahead_ + seconds, std::max(kMaxAhead, seconds)));
  }
  // Seconds that sampling has had while training waited.
  void AddSampling(double seconds) { ahead_ -= seconds; }
  bool SamplingGoesFirst() const { return ahead_ > 0; }

 private:
  static constexpr double kMaxAhead = 1;
  double ahead_ = kMaxAhead;  // seconds that training has had more than sampling
};

}  // namespace shinsaku
