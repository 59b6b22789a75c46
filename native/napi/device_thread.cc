// The one thread of the process that owns every tensor.
#include "napi/device_thread.h"

#include <utility>

namespace shinsaku {
namespace {

// JavaScript asks for the next step of a sampler once it has the result of the last. Without this wait
// training would take the thread in between, at each of the steps.
constexpr std::chrono::milliseconds kNextStep{5};

using Seconds = std::chrono::duration<double>;

}  // namespace

DeviceThread& DeviceThread::Instance() {
  static auto* const instance = new DeviceThread;
  return *instance;
}

DeviceThread::DeviceThread() {
  std::thread([this] { Loop(); }).detach();
}

bool DeviceThread::Post(Owner owner, Priority priority, std::function<void()> task) {
  std::lock_guard lock(mutex_);
  if (exiting_) return false;
  (priority == Priority::kSampling ? sampling_ : training_).push_back({owner, std::move(task)});
  ready_.notify_one();
  return true;
}

void DeviceThread::Free(std::shared_ptr<void> held) {
  std::lock_guard lock(mutex_);
  frees_.push_back(std::move(held));
  ready_.notify_one();
}

bool DeviceThread::Waiting() {
  std::lock_guard lock(mutex_);
  return !exiting_ && (!sampling_.empty() || Clock::now() < expected_until_);
}

void DeviceThread::Run() {
  Lock lock(mutex_);
  share_.AddTraining(Seconds(Clock::now() - training_since_).count());
  while (IsSamplingsTurn(lock)) {
    while (!frees_.empty()) FreeNext(lock);
    RunSampling(lock);
  }
  training_since_ = Clock::now();
}

void DeviceThread::DropAndWait(Owner owner) {
  Lock lock(mutex_);
  for (auto* tasks : {&sampling_, &training_})
    std::erase_if(*tasks, [&](const Task& task) { return task.owner == owner; });
  const auto find = [&] {
    Running* found = running_;
    while (found && found->owner != owner) found = found->interrupted;
    return found;
  };
  for (Running* running = running_; running; running = running->interrupted)
    running->cancelled |= running->owner == owner;
  if (running_) cancel_ = running_->cancelled;
  idle_.wait(lock, [&] { return !find(); });
}

void DeviceThread::WaitForFrees() {
  Lock lock(mutex_);
  idle_.wait(lock, [&] { return running_ || exiting_ || (frees_.empty() && !freeing_); });
}

void DeviceThread::StopForExit() {
  Lock lock(mutex_);
  exiting_ = true;
  cancel_ = true;
  for (Running* running = running_; running; running = running->interrupted) running->cancelled = true;
  sampling_.clear();
  training_.clear();
  ready_.notify_one();
  idle_.wait(lock, [&] { return !running_ && !freeing_; });
}

void DeviceThread::FreeNext(Lock& lock) {
  auto held = std::move(frees_.front());
  frees_.pop_front();
  freeing_ = true;
  lock.unlock();
  held.reset();
  lock.lock();
  freeing_ = false;
  idle_.notify_all();
}

void DeviceThread::RunNext(std::deque<Task>& tasks, Lock& lock) {
  Task task = std::move(tasks.front());
  tasks.pop_front();
  Running running{task.owner, false, running_};
  running_ = &running;
  cancel_ = false;
  lock.unlock();
  task.run();
  task.run = nullptr;
  lock.lock();
  running_ = running.interrupted;
  cancel_ = running_ && running_->cancelled;
  idle_.notify_all();
}

void DeviceThread::RunSampling(Lock& lock) {
  const bool training_waits = running_ || !training_.empty();
  const auto begun = Clock::now();
  RunNext(sampling_, lock);
  if (training_waits) share_.AddSampling(Seconds(Clock::now() - begun).count());
  expected_until_ = Clock::now() + kNextStep;
}

bool DeviceThread::IsSamplingsTurn(Lock& lock) {
  const auto begun = Clock::now();
  if (!share_.SamplingGoesFirst()) return false;
  if (sampling_.empty() && begun < expected_until_) {
    ready_.wait_until(lock, expected_until_, [&] { return exiting_ || !sampling_.empty(); });
    share_.AddSampling(Seconds(Clock::now() - begun).count());
  }
  return !sampling_.empty();
}

void DeviceThread::Loop() {
  Lock lock(mutex_);
  for (;;) {
    // What is to be freed after exiting_ stays where it is for ever: it would race with static destructors.
    ready_.wait(lock,
                [&] { return !exiting_ && !(sampling_.empty() && training_.empty() && frees_.empty()); });
    if (!frees_.empty()) {
      FreeNext(lock);
    } else if (training_.empty() || IsSamplingsTurn(lock)) {
      RunSampling(lock);
    } else if (!training_.empty()) {  // nobody has dropped it meanwhile
      training_since_ = Clock::now();
      RunNext(training_, lock);
      share_.AddTraining(Seconds(Clock::now() - training_since_).count());
    }
  }
}

}  // namespace shinsaku
