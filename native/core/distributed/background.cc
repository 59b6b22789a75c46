// A thread for calls that may never return.
#include "core/distributed/background.h"

#include <exception>
#include <thread>
#include <utility>

#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

// How often a caller looks whether the process wants to end.
constexpr Background::Millis kLook{50};
// What a thread may take to end.
constexpr Background::Millis kEnd{500};

struct Outcome {
  bool done = false;
  std::exception_ptr error;
};

}  // namespace

Background::Background() : state_(std::make_shared<State>()) {
  std::thread([state = state_] { Loop(*state); }).detach();
}

Background::~Background() {
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kEnd, [&] { return state_->ended; });
}

bool Background::Run(std::function<void()> call, Millis limit) {
  const auto outcome = std::make_shared<Outcome>();
  const auto until = Clock::now() + limit;
  std::unique_lock lock(state_->mutex);
  state_->calls.emplace_back([state = state_.get(), outcome, call = std::move(call)] {
    std::exception_ptr error;
    try {
      call();
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard done(state->mutex);
    *outcome = {true, error};
    state->changed.notify_all();
  });
  state_->changed.notify_all();
  while (!outcome->done && Clock::now() < until) {
    state_->changed.wait_for(lock, kLook, [&] { return outcome->done; });
    ThrowIfCancelled();
  }
  if (outcome->error) std::rethrow_exception(outcome->error);
  return outcome->done;
}

void Background::Repeat(std::function<void()> call, Millis pause) {
  std::lock_guard lock(state_->mutex);
  state_->repeated = std::move(call);
  state_->pause = pause;
  state_->changed.notify_all();
}

void Background::Loop(State& state) {
  std::unique_lock lock(state.mutex);
  auto next = Clock::now();
  while (!state.ending) {
    std::function<void()> call;
    if (state.repeated && Clock::now() >= next) {
      call = state.repeated;
      next = Clock::now() + state.pause;
    } else if (!state.calls.empty()) {
      call = std::move(state.calls.front());
      state.calls.pop_front();
    } else if (state.repeated) {
      state.changed.wait_until(lock, next);
    } else {
      state.changed.wait(lock);
    }
    if (!call) continue;
    lock.unlock();
    call();
    call = nullptr;
    lock.lock();
  }
  state.calls.clear();
  state.repeated = nullptr;
  state.ended = true;
  state.changed.notify_all();
}

}  // namespace shinsaku
