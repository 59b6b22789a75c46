// The one thread of the process that owns every tensor.
#include "napi/device_thread.h"

#include <algorithm>
#include <utility>

namespace shinsaku {

DeviceThread& DeviceThread::Instance() {
  static auto* const instance = new DeviceThread;
  return *instance;
}

DeviceThread::DeviceThread() {
  std::thread([this] { Loop(); }).detach();
}

void DeviceThread::Post(Owner owner, std::function<void()> task) {
  std::lock_guard lock(mutex_);
  if (exiting_) {
    // What the closure holds is leaked: freeing tensors now would race with static destructors.
    new std::function<void()>(std::move(task));
    return;
  }
  tasks_.push_back({owner, std::move(task)});
  ready_.notify_one();
}

void DeviceThread::DropAndWait(Owner owner) {
  std::deque<Task> dropped;
  std::unique_lock lock(mutex_);
  const auto keep =
      std::stable_partition(tasks_.begin(), tasks_.end(), [&](const Task& t) { return t.owner != owner; });
  std::move(keep, tasks_.end(), std::back_inserter(dropped));
  tasks_.erase(keep, tasks_.end());
  idle_.wait(lock, [&] { return !running_ || running_owner_ != owner; });
}

void DeviceThread::StopForExit() {
  std::unique_lock lock(mutex_);
  exiting_ = true;
  new std::deque<Task>(std::move(tasks_));
  tasks_.clear();
  idle_.wait(lock, [&] { return !running_; });
}

void DeviceThread::Loop() {
  for (;;) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return !tasks_.empty(); });
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    running_ = true;
    running_owner_ = task.owner;
    lock.unlock();
    task.run();
    task.run = nullptr;  // frees what it holds here, on the thread that owns the tensors
    lock.lock();
    running_ = false;
    idle_.notify_all();
  }
}

}  // namespace shinsaku
