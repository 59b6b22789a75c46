// Promises over the device thread, for one JavaScript environment.
#include "napi/queue.h"

#include <unistd.h>

namespace shinsaku {
namespace {

// Only the main thread's end is the end of the process; a worker's is not.
bool OnMainThread() { return gettid() == getpid(); }

}  // namespace

Napi::Value ToError(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", failure.code);
  if (!failure.details.empty()) {
    Napi::Object details = Napi::Object::New(env);
    for (const auto& [name, value] : failure.details)
      std::visit([&, &key = name](const auto& fact) { details.Set(key, fact); }, value);
    error.Set("details", details);
  }
  return error.Value();
}

Queue::Queue(Napi::Env env) : settle_(Settle::New(env, "shinsaku", 0, 1, this)) {
  settle_.Unref(env);
  // A worker that is terminated runs this, and no other code of ours.
  env.AddCleanupHook([this] { Close(); });
}

Queue::~Queue() {
  Abandon(jobs_);
  jobs_.clear();
  DeviceThread::Instance().WaitForFrees();
}

Napi::Value Queue::Submit(Napi::Env env, Priority priority, std::unique_ptr<Job> owned) {
  Job* job = owned.get();
  const Napi::Promise promise = job->deferred.Promise();
  const auto task = [this, job] {
    WatchCancel(&DeviceThread::Instance().cancel());
    WatchInterruptions(&DeviceThread::Instance());
    try {
      job->Work();
    } catch (...) {
      job->failure = Translate(std::current_exception());
    }
    job->Release();
    settle_.NonBlockingCall(job);  // refused only while closing, when nobody waits
  };
  if (closed_ || !DeviceThread::Instance().Post(this, priority, task)) {
    job->deferred.Reject(
        ToError(env, Failure("SHUT_DOWN", "the native part was shut down; no further calls are possible")));
    return promise;
  }
  if (jobs_.empty()) settle_.Ref(env);
  jobs_.emplace(job, std::move(owned));
  return promise;
}

// `job` may be gone when Shutdown() has rejected it; only the map knows.
void Queue::CallJs(Napi::Env env, Napi::Function, Queue* queue, Job* job) {
  if (env != nullptr) queue->SettleJob(env, job);
}

void Queue::SettleJob(Napi::Env env, Job* job) {
  auto owned = jobs_.extract(job);
  if (owned.empty()) return;  // rejected by Shutdown() already
  if (jobs_.empty()) settle_.Unref(env);
  if (job->failure) {
    job->deferred.Reject(ToError(env, *job->failure));
    return;
  }
  try {
    job->deferred.Resolve(job->Finish(env));
  } catch (const Napi::Error& error) {
    job->deferred.Reject(error.Value());
  } catch (...) {
    job->deferred.Reject(ToError(env, Translate(std::current_exception())));
  }
}

void Queue::Close() {
  closed_ = true;
  if (OnMainThread()) {
    DeviceThread::Instance().StopForExit();
  } else {
    DeviceThread::Instance().DropAndWait(this);
  }
}

void Queue::Abandon(const std::unordered_map<Job*, std::unique_ptr<Job>>& jobs) {
  for (const auto& [job, owned] : jobs) DeviceThread::Instance().Free(job->Remains());
}

void Queue::Shutdown(Napi::Env env) {
  if (closed_) return;
  Close();
  const auto pending = std::move(jobs_);
  jobs_.clear();
  settle_.Unref(env);
  const Failure failure("SHUT_DOWN", "the native part was shut down before this call ended");
  for (const auto& [job, owned] : pending) job->deferred.Reject(ToError(env, failure));
  Abandon(pending);
}

}  // namespace shinsaku
