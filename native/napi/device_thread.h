// The one thread of the process that owns every tensor. Closures go in, in order; no napi, no torch.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace shinsaku {

class DeviceThread {
 public:
  // Starts at first use and is never destroyed: an idle thread is harmless at exit, a joined static is not.
  static DeviceThread& Instance();

  using Owner = const void*;
  // Runs `task` after everything queued before it. `task` must not throw.
  void Post(Owner owner, std::function<void()> task);
  // Drops the queued tasks of `owner` and waits until its running one, if any, has ended.
  void DropAndWait(Owner owner);
  // Waits for the running task and ignores all later ones: the process is about to run static destructors.
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
  bool running_ = false;
  Owner running_owner_ = nullptr;
  bool exiting_ = false;
};

}  // namespace shinsaku
