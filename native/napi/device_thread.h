// The one thread of the process that owns every tensor. Closures go in, in order; no napi, no torch.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/api.h"
#include "napi/device_share.h"

namespace shinsaku {

// Tasks of one priority run in order. Sampling goes before training, as far as its share allows: somebody
// waits for it.
enum class Priority { kSampling, kTraining };

class DeviceThread : public Interruptions {
 public:
  // Starts at first use and is never destroyed: an idle thread is harmless at exit, a joined static is not.
  static DeviceThread& Instance();

  using Owner = const void*;
  // Runs `task`, which must not throw, after everything of its priority posted before it. False, and nothing
  // happens, when the process is about to end.
  bool Post(Owner owner, Priority priority, std::function<void()> task);
  // Lets go of `held` on this thread, between two tasks. Never dropped.
  void Free(std::shared_ptr<void> held);
  // True while the running task is to end early.
  const std::atomic<bool>& cancel() const { return cancel_; }

  // To be called by a running training task: whether sampling waits, and the sampling that may go before the
  // rest.
  bool Waiting() override;
  void Run() override;

  // Drops the tasks of `owner`, and waits until the running one, if it is its own, has ended early.
  void DropAndWait(Owner owner);
  // Waits until nothing is left to free, unless a task runs: whoever owns that one waits for it, and then for
  // this.
  void WaitForFrees();
  // Ends the running task early, waits for it, and ignores all that comes later: the process is about to run
  // static destructors.
  void StopForExit();

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;
  struct Task {
    Owner owner;
    std::function<void()> run;
  };
  // A task that runs, and the one that it has interrupted.
  struct Running {
    Owner owner;
    bool cancelled;
    Running* interrupted;
  };

  DeviceThread();
  void Loop();
  void FreeNext(Lock& lock);
  void RunNext(std::deque<Task>& tasks, Lock& lock);
  void RunSampling(Lock& lock);
  bool IsSamplingsTurn(Lock& lock);

  std::mutex mutex_;
  std::condition_variable ready_, idle_;
  std::deque<Task> sampling_, training_;
  std::deque<std::shared_ptr<void>> frees_;
  Running* running_ = nullptr;
  bool freeing_ = false, exiting_ = false;
  std::atomic<bool> cancel_{false};
  DeviceShare share_;
  Clock::time_point training_since_;
  Clock::time_point expected_until_;  // the next step of what was sampled last may come until then
};

}  // namespace shinsaku
