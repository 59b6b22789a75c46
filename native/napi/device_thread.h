// The one thread of the process that owns every tensor. Closures go in, in order; no napi, no torch.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace shinsaku {

class DeviceThread {
 public:
  // Starts at first use and is never destroyed: an idle thread is harmless at exit, a joined static is not.
  static DeviceThread& Instance();

  using Owner = const void*;
  // Runs `task`, which must not throw, after everything posted before it. False, and nothing happens, when
  // the process is about to end.
  bool Post(Owner owner, std::function<void()> task);
  // Lets go of `held` on this thread, between two tasks. Never dropped.
  void Free(std::shared_ptr<void> held);
  // True while the running task is to end early.
  const std::atomic<bool>& cancel() const { return cancel_; }

  // Drops the tasks of `owner`, and waits until the running one, if it is its own, has ended early.
  void DropAndWait(Owner owner);
  // Waits until nothing is left to free, unless a task runs: whoever owns that one waits for it, and then for
  // this.
  void WaitForFrees();
  // Ends the running task early, waits for it, and ignores all that comes later: the process is about to run
  // static destructors.
  void StopForExit();

 private:
  DeviceThread();
  void Loop();

  struct Task {
    Owner owner;
    std::function<void()> run;
  };
  std::mutex mutex_;
  std::condition_variable ready_, idle_;
  std::deque<Task> tasks_;
  std::deque<std::shared_ptr<void>> frees_;
  bool running_ = false, freeing_ = false;
  Owner running_owner_ = nullptr;
  bool exiting_ = false;
  std::atomic<bool> cancel_{false};
};

}  // namespace shinsaku
