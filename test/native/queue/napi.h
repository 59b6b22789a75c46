// Stands in for node-addon-api, so that native/napi/queue.cc runs without Node and a sanitizer sees every thread.
// An Env is an event loop of one thread: what a thread-safe function is called with waits in it until it is run.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace Napi {

struct Loop {
  std::mutex mutex;
  std::condition_variable ready;
  std::deque<std::function<void(bool alive)>> calls;
  std::vector<std::function<void()>> hooks;
  int refs = 0;

  void Add(std::function<void(bool)> call) {
    std::lock_guard lock(mutex);
    calls.push_back(std::move(call));
    ready.notify_one();
  }
  // Runs calls, in order, for as long as something holds the loop.
  void Run() {
    while (refs > 0) Turn();
  }
  void Turn() {
    std::unique_lock lock(mutex);
    ready.wait(lock, [this] { return !calls.empty(); });
    auto call = std::move(calls.front());
    calls.pop_front();
    lock.unlock();
    call(true);
  }
  // As when a worker is terminated: hooks, the last one first; then what is left is called without an environment.
  void End() {
    for (auto hook = hooks.rbegin(); hook != hooks.rend(); ++hook) (*hook)();
    for (auto& call : calls) call(false);
    calls.clear();
  }
};

class Env {
 public:
  Env(Loop* loop) : loop_(loop) {}
  Env(std::nullptr_t) : loop_(nullptr) {}
  bool operator!=(std::nullptr_t) const { return loop_ != nullptr; }
  Loop* operator->() const { return loop_; }
  template <typename Hook>
  void AddCleanupHook(Hook hook) {
    loop_->hooks.push_back(hook);
  }

 private:
  Loop* loop_;
};

// A promise is its outcome; other values are text.
struct Outcome {
  enum { kPending, kResolved, kRejected } state = kPending;
  std::string text;
};

class Value {
 public:
  Value() = default;
  explicit Value(std::string text) : text(std::move(text)) {}
  explicit Value(std::shared_ptr<Outcome> promised) : outcome(std::move(promised)) {}
  std::string text;
  std::shared_ptr<Outcome> outcome;
};

class Promise : public Value {
 public:
  using Value::Value;
  class Deferred {
   public:
    static Deferred New(Env) { return Deferred(); }
    Napi::Promise Promise() const { return Napi::Promise(outcome_); }
    void Resolve(const Value& value) { *outcome_ = {Outcome::kResolved, value.text}; }
    void Reject(const Value& value) { *outcome_ = {Outcome::kRejected, value.text}; }

   private:
    std::shared_ptr<Outcome> outcome_ = std::make_shared<Outcome>();
  };
};

// Its value is its code.
class Object {
 public:
  static Object New(Env) { return {}; }
  void Set(const std::string&, double) {}
  void Set(const std::string&, const std::string&) {}
};

class Error {
 public:
  static Error New(Env, const char*) { return Error(); }
  void Set(const char*, const std::string& code) { code_ = code; }
  void Set(const char*, const Object&) {}
  Napi::Value Value() const { return Napi::Value(code_); }

 private:
  std::string code_;
};

class Function {};
class ObjectReference {};

template <typename Context, typename Data, void (*CallJs)(Env, Function, Context*, Data*)>
class TypedThreadSafeFunction {
 public:
  static TypedThreadSafeFunction New(Env env, const char*, size_t, size_t, Context* context) {
    TypedThreadSafeFunction made;
    made.loop_ = env.operator->();
    made.context_ = context;
    made.Ref(env);
    return made;
  }
  void Ref(Env env) { Hold(env, true); }
  void Unref(Env env) { Hold(env, false); }
  void NonBlockingCall(Data* data) {
    loop_->Add([loop = loop_, context = context_, data](bool alive) {
      CallJs(alive ? Env(loop) : Env(nullptr), Function(), context, data);
    });
  }

 private:
  void Hold(Env env, bool held) {
    env->refs += static_cast<int>(held) - static_cast<int>(held_);
    held_ = held;
  }
  Loop* loop_ = nullptr;
  Context* context_ = nullptr;
  bool held_ = false;
};

}  // namespace Napi
