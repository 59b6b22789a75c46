// A thread for calls that may never return, such as those to a machine that has gone: whoever waits for one
// can give up.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace shinsaku {

class Background {
 public:
  using Clock = std::chrono::steady_clock;
  using Millis = std::chrono::milliseconds;

  Background();
  // Waits a moment for the call that runs; one that does not return keeps its thread for itself.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Runs `call` on the thread; false where it has not returned within `limit`, and whatever it captured must
  // then outlive it. Throws what it throws, and SHUT_DOWN when the process wants to end.
  bool Run(std::function<void()> call, Millis limit);
  // Runs `call` again and again, with `pause` in between. It throws nothing.
  void Repeat(std::function<void()> call, Millis pause);

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> calls;
    std::function<void()> repeated;
    Millis pause{};
    bool ending = false, ended = false;
  };
  static void Loop(State& state);

  std::shared_ptr<State> state_;
};

}  // namespace shinsaku
