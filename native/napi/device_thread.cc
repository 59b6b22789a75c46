// The one thread of the process that owns every tensor.
#include "napi/device_thread.h"

#include <utility>

namespace shinsaku {

DeviceThread& DeviceThread::Instance() {
  static auto* const instance = new DeviceThread;
  return *instance;
}

DeviceThread::DeviceThread() {
  std::thread([this] { Loop(); }).detach();
}

bool DeviceThread::Post(Owner owner, std::function<void()> task) {
  std::lock_guard lock(mutex_);
  if (exiting_) return false;
  tasks_.push_back({owner, std::move(task)});
  ready_.notify_one();
  return true;
}

void DeviceThread::Free(std::shared_ptr<void> held) {
  std::lock_guard lock(mutex_);
  frees_.push_back(std::move(held));
  ready_.notify_one();
}

void DeviceThread::DropAndWait(Owner owner) {
  std::unique_lock lock(mutex_);
  std::erase_if(tasks_, [&](const Task& task) { return task.owner == owner; });
  const auto busy = [&] { return running_ && running_owner_ == owner; };
  if (busy()) cancel_ = true;
  idle_.wait(lock, [&] { return !busy(); });
}

void DeviceThread::WaitForFrees() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return running_ || exiting_ || (frees_.empty() && !freeing_); });
}

void DeviceThread::StopForExit() {
  std::unique_lock lock(mutex_);
  exiting_ = true;
  cancel_ = true;
  tasks_.clear();
  idle_.wait(lock, [&] { return !running_ && !freeing_; });
}

void DeviceThread::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    // What is to be freed after exiting_ stays where it is for ever: it would race with static destructors.
    ready_.wait(lock, [&] { return !exiting_ && !(tasks_.empty() && frees_.empty()); });
    if (!frees_.empty()) {
      auto held = std::move(frees_.front());
      frees_.pop_front();
      freeing_ = true;
      lock.unlock();
      held.reset();
      lock.lock();
      freeing_ = false;
    } else {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      running_ = true;
      running_owner_ = task.owner;
      cancel_ = false;
      lock.unlock();
      task.run();
      task.run = nullptr;
      lock.lock();
      running_ = false;
    }
    idle_.notify_all();
  }
}

}  // namespace shinsaku
