// Promises over the device thread, for one JavaScript environment (the main thread or a worker).
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/api.h"
#include "napi/device_thread.h"

namespace shinsaku {

// Keeps JavaScript buffers alive while the device thread reads them.
using KeepAlive = std::vector<Napi::ObjectReference>;

Napi::Value ToError(Napi::Env env, const Failure& failure);

class Queue {
 public:
  explicit Queue(Napi::Env env);
  // When the environment ends. What is still held is freed on the device thread, and waited for: the process
  // may end right after.
  ~Queue();

  // Runs `work` on the device thread, then `finish(env, result)` on the JavaScript thread, and resolves with
  // its value. Any exception of `work` rejects with its code.
  template <typename Work, typename Finish>
  Napi::Value Run(Napi::Env env, KeepAlive keep, Work work, Finish finish) {
    return Submit(env, Priority::kTraining, MakeJob(env, keep, work, finish));
  }

  // The same for what somebody waits for: it goes before what Run() has queued, and between the updates of a
  // unit that runs.
  template <typename Work, typename Finish>
  Napi::Value RunFirst(Napi::Env env, KeepAlive keep, Work work, Finish finish) {
    return Submit(env, Priority::kSampling, MakeJob(env, keep, work, finish));
  }

  // Ends the running unit early, rejects what is queued and refuses further calls.
  void Shutdown(Napi::Env env);

 private:
  struct Job {
    Job(Napi::Env env, KeepAlive held) : deferred(Napi::Promise::Deferred::New(env)), keep(std::move(held)) {}
    virtual ~Job() = default;
    virtual void Work() = 0;     // device thread
    virtual void Release() = 0;  // device thread, after Work(): lets go of the tensors it used
    virtual std::shared_ptr<void> Remains() = 0;    // of a job that never settles: all that may hold tensors
    virtual Napi::Value Finish(Napi::Env env) = 0;  // JavaScript thread
    Napi::Promise::Deferred deferred;
    KeepAlive keep;
    std::optional<Failure> failure;
  };

  template <typename Worker, typename Finisher>
  struct JobOf : Job {
    using Result = decltype(std::declval<Worker&>()());
    JobOf(Napi::Env env, KeepAlive held, Worker w, Finisher f)
        : Job(env, std::move(held)), work(std::move(w)), finish(std::move(f)) {}
    void Work() override { result = std::make_unique<Result>((*work)()); }
    void Release() override { work.reset(); }
    std::shared_ptr<void> Remains() override {
      return std::make_shared<std::pair<std::optional<Worker>, std::unique_ptr<Result>>>(std::move(work),
                                                                                         std::move(result));
    }
    Napi::Value Finish(Napi::Env env) override { return finish(env, std::move(*result)); }
    std::optional<Worker> work;
    Finisher finish;
    std::unique_ptr<Result> result;
  };

  template <typename Work, typename Finish>
  static std::unique_ptr<Job> MakeJob(Napi::Env env, KeepAlive& keep, Work& work, Finish& finish) {
    return std::make_unique<JobOf<Work, Finish>>(env, std::move(keep), std::move(work), std::move(finish));
  }

  static void CallJs(Napi::Env env, Napi::Function, Queue* queue, Job* job);
  using Settle = Napi::TypedThreadSafeFunction<Queue, Job, CallJs>;

  Napi::Value Submit(Napi::Env env, Priority priority, std::unique_ptr<Job> job);
  void SettleJob(Napi::Env env, Job* job);
  void Close();
  void Abandon(const std::unordered_map<Job*, std::unique_ptr<Job>>& jobs);

  Settle settle_;
  std::unordered_map<Job*, std::unique_ptr<Job>>
      jobs_;  // owns jobs until they settle; JavaScript thread only
  bool closed_ = false;
};

}  // namespace shinsaku
