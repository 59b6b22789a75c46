// R55: the queue and the device thread under ThreadSanitizer, with many threads that submit, end and are ended at once.
// Prints what it did; exits with 1 at the first thing that is wrong.
#include <napi.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "napi/queue.h"

namespace shinsaku {

// The functions of the core that the queue calls.
namespace {
thread_local const std::atomic<bool>* cancel = nullptr;
thread_local Interruptions* interruptions = nullptr;
}  // namespace
void WatchCancel(const std::atomic<bool>* flag) noexcept { cancel = flag; }
void WatchInterruptions(Interruptions* watched) noexcept { interruptions = watched; }
Failure Translate(std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Failure& failure) {
    return failure;
  } catch (...) {
    return Failure("NATIVE_FAILED", "another exception");
  }
}

namespace {

#define REQUIRE(condition)                                             \
  if (!(condition)) {                                                  \
    std::printf("line %d: %s does not hold\n", __LINE__, #condition); \
    std::exit(1);                                                      \
  }

std::thread::id DeviceThreadId() {
  static const std::thread::id id = [] {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<std::thread::id> found;
    static const int owner = 0;
    DeviceThread::Instance().Post(&owner, Priority::kTraining, [&] {
      std::lock_guard lock(mutex);
      found = std::this_thread::get_id();
      ready.notify_one();
    });
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return found.has_value(); });
    return *found;
  }();
  return id;
}

// Like a tensor: made, used and freed on one thread. The value is not atomic, so a wrong thread is a race.
std::atomic<int> alive{0};
struct Tensor {
  Tensor() { ++alive; }
  ~Tensor() {
    REQUIRE(std::this_thread::get_id() == DeviceThreadId());
    --alive;
  }
  int value = 0;
};

// Works until it is cancelled, as a long unit does.
void Endless() {
  while (!cancel->load()) std::this_thread::sleep_for(std::chrono::microseconds(50));
  throw Failure("SHUT_DOWN", "cancelled");
}

struct Environment {
  Environment() : queue(std::make_unique<Queue>(Napi::Env(&loop))) {}
  // As Node does: hooks, then handles, then instance data.
  ~Environment() {
    loop.End();
    for (auto& handle : handles) DeviceThread::Instance().Free(std::move(handle));
    queue.reset();
  }

  std::shared_ptr<Napi::Outcome> Make() {
    return queue
        ->Run(
            &loop, {}, [] { return std::make_shared<Tensor>(); },
            [this](Napi::Env, std::shared_ptr<Tensor> made) {
              handles.push_back(std::move(made));
              return Napi::Value("made");
            })
        .outcome;
  }
  std::shared_ptr<Napi::Outcome> Use(std::shared_ptr<Tensor> tensor) {
    return queue
        ->Run(
            &loop, {}, [tensor] { return ++tensor->value; },
            [this](Napi::Env, int value) {
              last = value;
              return Napi::Value(std::to_string(value));
            })
        .outcome;
  }
  std::shared_ptr<Napi::Outcome> RunLong() {
    return queue
        ->Run(
            &loop, {}, [] { return Endless(), true; }, [](Napi::Env, bool) { return Napi::Value("ended"); })
        .outcome;
  }

  // One denoising step that takes so long, then the next, until `steps` are done.
  void Sample(int steps, std::chrono::milliseconds takes) {
    queue->RunFirst(
        &loop, {}, [takes] { return std::this_thread::sleep_for(takes), true; },
        [this, steps, takes](Napi::Env, bool) {
          if (steps > 1) Sample(steps - 1, takes);
          return Napi::Value("step");
        });
  }
  // A unit of so many updates, which counts them.
  std::shared_ptr<Napi::Outcome> Train(int updates, std::chrono::milliseconds takes, std::atomic<int>* done) {
    return queue
        ->Run(
            &loop, {},
            [=] {
              for (int i = 0; i < updates; ++i) {
                if (cancel->load()) throw Failure("SHUT_DOWN", "cancelled");
                if (i > 0 && interruptions->Waiting()) interruptions->Run();
                std::this_thread::sleep_for(takes);
                ++*done;
              }
              return true;
            },
            [](Napi::Env, bool) { return Napi::Value("trained"); })
        .outcome;
  }

  Napi::Loop loop;
  std::unique_ptr<Queue> queue;
  std::vector<std::shared_ptr<Tensor>> handles;
  int last = 0;
};

constexpr int kThreads = 8, kRounds = 100, kCalls = 50;

template <typename Body>
void OnThreads(Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&body, i] { body(i); });
  for (auto& thread : threads) thread.join();
}

// Calls of one environment run in order, and each promise is settled.
void Settles(int) {
  for (int round = 0; round < kRounds / 10; ++round) {
    Environment env;
    const auto made = env.Make();
    env.loop.Run();
    REQUIRE(made->state == Napi::Outcome::kResolved);
    std::vector<std::shared_ptr<Napi::Outcome>> used;
    for (int i = 0; i < kCalls; ++i) used.push_back(env.Use(env.handles[0]));
    env.loop.Run();
    for (int i = 0; i < kCalls; ++i) REQUIRE(used[i]->text == std::to_string(i + 1));
    REQUIRE(env.last == kCalls);
  }
}

// Environments that end while their calls run, are queued, or have ended but not settled.
void Terminated(int thread) {
  for (int round = 0; round < kRounds; ++round) {
    Environment env;
    const auto made = env.Make();
    while (made->state == Napi::Outcome::kPending) env.loop.Turn();
    for (int i = 0; i < kCalls; ++i) env.Use(env.handles[0]);
    env.Make();
    if ((thread + round) % 3 == 0) env.RunLong();
    if (round % 4 == 1) std::this_thread::sleep_for(std::chrono::microseconds(100 * (round % 7)));
  }
}

// A worker's own shutdown(): what runs ends early, and all that is asked later is refused.
void ShutDown(int) {
  for (int round = 0; round < kRounds / 10; ++round) {
    Environment env;
    const auto running = env.RunLong(), queued = env.Make();
    env.queue->Shutdown(&env.loop);
    REQUIRE(running->text == "SHUT_DOWN" && queued->text == "SHUT_DOWN");
    REQUIRE(env.Make()->text == "SHUT_DOWN");
  }
}

using std::chrono::milliseconds;

void WaitFor(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::microseconds(100));
}

// A request, step by step, is done within a unit that began before it; neither waits for the other's end.
void SamplesWithinAUnit() {
  std::atomic<int> updates{0};
  std::atomic<bool> stop{false};
  std::thread training([&] {
    Environment env;
    const auto unit = env.Train(1000, milliseconds(2), &updates);
    WaitFor([&] { return stop.load(); });
  });  // its end cancels what runs
  WaitFor([&] { return updates > 10; });
  {
    Environment env;
    const int before = updates;
    env.Sample(10, milliseconds(1));
    env.loop.Run();
    REQUIRE(updates - before <= 5);  // those that ran before its first step, and where this thread was late
  }
  const int after = updates;
  WaitFor([&] { return updates > after + 3; });  // the unit goes on
  REQUIRE(updates < 1000);
  stop = true;
  training.join();
}

// Sampling without end, from several threads, leaves training its half.
void SharesTheThread() {
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        Environment env;
        env.Sample(5, milliseconds(2));
        env.loop.Run();
      }
    });
  }
  Environment env;
  std::atomic<int> updates{0};
  const auto begun = std::chrono::steady_clock::now();
  for (int unit = 0; unit < 5; ++unit) env.Train(40, milliseconds(2), &updates);
  env.loop.Run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  REQUIRE(updates == 200);
  stop = true;
  for (auto& client : clients) client.join();
  // A second at most is due to sampling first. Threads that wake late make both slower, not one beside the other.
  std::printf("training had %s of the time\n", updates * 0.002 > (took.count() - 1) * 0.25 ? "its share" : "too little");
}

// An environment that ends while its sampling interrupts another's unit ends that sampling alone.
void EndsWithinAUnit() {
  Environment training;
  std::atomic<int> updates{0};
  const auto unit = training.Train(20, milliseconds(2), &updates);
  WaitFor([&] { return updates > 1; });
  for (int i = 0; i < 3; ++i) {
    Environment env;
    std::atomic<bool> runs{false};
    env.queue->RunFirst(
        &env.loop, {}, [&runs] { return runs = true, Endless(), true; },
        [](Napi::Env, bool) { return Napi::Value("ended"); });
    WaitFor([&] { return runs.load(); });
  }
  training.loop.Run();
  REQUIRE(unit->text == "trained" && updates == 20);
}

// The main thread's end, with every other environment busy: all stops, and nothing is freed any more.
void EndOfProcess() {
  std::atomic<int> busy{0};
  std::atomic<bool> ended{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Environment env;
      env.Make();
      env.RunLong();
      ++busy;
      while (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      REQUIRE(env.Make()->text == "SHUT_DOWN");
    });
  }
  while (busy < kThreads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  {
    Environment env;
    const auto running = env.RunLong();
    env.queue->Shutdown(&env.loop);
    REQUIRE(running->text == "SHUT_DOWN");
    ended = true;
    for (auto& thread : threads) thread.join();
  }
  REQUIRE(!DeviceThread::Instance().Post(&ended, Priority::kTraining, [] {}));
}

void Test() {
  DeviceThreadId();
  OnThreads(Settles);
  REQUIRE(alive == 0);
  std::printf("settled in order\n");
  OnThreads(Terminated);
  REQUIRE(alive == 0);
  std::printf("terminated %d times\n", kThreads * kRounds);
  OnThreads(ShutDown);
  REQUIRE(alive == 0);
  std::printf("shut down\n");
  // Not on the main thread, whose environments end the process.
  std::thread([] {
    SamplesWithinAUnit();
    SharesTheThread();
    EndsWithinAUnit();
  }).join();
  REQUIRE(alive == 0);
  std::printf("sampled within units\n");
  EndOfProcess();
  std::printf("stopped for exit\n");
}

}  // namespace
}  // namespace shinsaku

int main() { shinsaku::Test(); }
