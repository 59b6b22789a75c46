// Processes that train one network together: c10d's TCPStore to meet and to talk, its Gloo to add and copy.
#define USE_C10D_GLOO

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <thread>

#include "core/distributed/background.h"
#include "core/distributed/communicator.h"
#include "core/distributed/listen.h"
#include "core/runtime/cancel.h"

namespace shinsaku {
namespace {

using Millis = Background::Millis;
using Clock = Background::Clock;
using Pointer = c10::intrusive_ptr<c10d::Store>;

// A process shows that it lives this often; after an error the others look for a beat for so long.
constexpr Millis kBeat{100}, kListen{600};
// A call to a store that answers at all.
constexpr Millis kAnswer{1500};
// Between two looks for a key.
constexpr Millis kPoll{10};

// Keys of the store; those of a caller are behind a word of their own.
std::string KeyOf(const std::string& key) { return "key/" + key; }
std::string BeatOf(int64_t rank) { return "beat/" + std::to_string(rank); }
const std::string kFailed = "failed";

std::vector<uint8_t> ToBytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string ToText(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

Millis Seconds(const Spec& spec, const std::string& key) {
  return Millis(static_cast<int64_t>(Number(spec, key) * 1000));
}

// Names of ranks for a message: "rank 1", "ranks 1, 2 and 5 more".
std::string NameRanks(const std::vector<int64_t>& ranks) {
  std::string text = ranks.size() == 1 ? "rank" : "ranks";
  constexpr size_t kMaxNamed = 8;
  for (size_t i = 0; i < std::min(ranks.size(), kMaxNamed); ++i)
    text += (i == 0 ? " " : ", ") + std::to_string(ranks[i]);
  if (ranks.size() > kMaxNamed) text += " and " + std::to_string(ranks.size() - kMaxNamed) + " more";
  return text;
}

class GlooGroup : public Communicator {
 public:
  explicit GlooGroup(const Spec& spec)
      : share_{Integer(spec, "rank"), Integer(spec, "size")},
        timeout_(Seconds(spec, "timeout")),
        holder_(Flag(spec, "agentStore") ? -1 : 0) {
    Connect(spec);
    Meet(Seconds(spec, "joinTimeout"));
    const auto made = std::make_shared<c10::intrusive_ptr<c10d::ProcessGroupGloo>>();
    const auto join = [made, store = store_, share = share_, timeout = timeout_,
                       address = Text(spec, "address")] {
      auto options = c10d::ProcessGroupGloo::Options::create(timeout);
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(address));
      *made = c10::make_intrusive<c10d::ProcessGroupGloo>(
          c10::make_intrusive<c10d::PrefixStore>("gloo", store), static_cast<int>(share.rank),
          static_cast<int>(share.size), options);
    };
    Guarded([&] {
      if (!background_.Run(join, timeout_)) throw LostOne("the processes do not reach each other");
    });
    gloo_ = *made;
  }

  Share share() const override { return share_; }

  void Set(const std::string& key, Bytes value) override {
    Ask([key, bytes = std::vector<uint8_t>(value.begin(), value.end())](c10d::Store& store) {
      store.set(KeyOf(key), bytes);
    });
  }

  std::optional<std::vector<uint8_t>> Get(const std::string& key, double seconds) override {
    const auto until = Clock::now() + Millis(static_cast<int64_t>(seconds * 1000));
    const auto found = std::make_shared<std::optional<std::vector<uint8_t>>>();
    for (Millis pause{0};; pause = std::min(pause + Millis(1), kPoll)) {
      Ask([found, key](c10d::Store& store) {
        if (store.check({KeyOf(key)})) *found = store.get(KeyOf(key));
      });
      if (*found) return *found;
      if (Clock::now() >= until) break;
      std::this_thread::sleep_for(pause);
    }
    ThrowIfFailed();
    RequireRankZero();
    return std::nullopt;
  }

  void Remove(const std::string& key) override {
    Ask([key](c10d::Store& store) { store.deleteKey(KeyOf(key)); });
  }

  void Fail(const std::string& message) override { Report(share_.rank, message); }

  std::function<void()> AllReduce(const at::Tensor& values) override {
    std::vector<at::Tensor> tensors{values};
    c10::intrusive_ptr<c10d::Work> work;
    Guarded([&] { work = gloo_->allreduce(tensors); });
    return [this, work] { Wait(work); };
  }

  void Broadcast(const at::Tensor& values) override {
    std::vector<at::Tensor> tensors{values};
    c10::intrusive_ptr<c10d::Work> work;
    Guarded([&] { work = gloo_->broadcast(tensors); });
    Wait(work);
  }

 private:
  void Connect(const Spec& spec) {
    c10::initLogging();  // takes the level that the environment has: c10d writes warnings to stderr
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(Integer(spec, "port"));
    options.waitWorkers = false;
    options.timeout = Seconds(spec, "joinTimeout");
    const std::string host = Text(spec, "host");
    if (Has(spec, "listen")) {
      options.isServer = true;
      options.masterListenFd = ListenOn(Text(spec, "listen"), options.port);
    }
    const auto made = std::make_shared<Pointer>();
    const auto connect = [made, host, options, prefix = Text(spec, "prefix")] {
      *made =
          c10::make_intrusive<c10d::PrefixStore>(prefix, c10::make_intrusive<c10d::TCPStore>(host, options));
    };
    const std::string where = host + ":" + std::to_string(options.port);
    try {
      // It tries again and again for as long as its own limit.
      if (!background_.Run(connect, options.timeout * 3)) throw Lost(holder_, where + " does not answer");
    } catch (const c10::Error& error) {
      throw Lost(holder_, "the store of the processes at " + where +
                              " cannot be reached: " + error.what_without_backtrace());
    }
    store_ = *made;
  }

  // Shows that this process is there, and waits for all.
  void Meet(Millis limit) {
    const auto beat = [store = store_, key = BeatOf(share_.rank)] {
      try {
        store->add(key, 1);
      } catch (...) {  // whoever needs the store finds out
      }
    };
    Ask([beat](c10d::Store&) { beat(); });
    background_.Repeat(beat, kBeat);
    const auto until = Clock::now() + limit;
    std::vector<std::string> all;
    for (int64_t rank = 0; rank < share_.size; ++rank) all.push_back(BeatOf(rank));
    for (;;) {
      const auto complete = std::make_shared<bool>();
      Ask([complete, all](c10d::Store& store) { *complete = store.check(all); });
      if (*complete) return;
      const std::vector<int64_t> missing = Clock::now() >= until ? Missing() : std::vector<int64_t>();
      if (!missing.empty())
        throw Lost(missing[0], NameRanks(missing) + " of " + std::to_string(share_.size) +
                                   " did not come within " + std::to_string(limit.count() / 1000) + " s");
      ThrowIfFailed();
      std::this_thread::sleep_for(Millis(20));
    }
  }

  std::vector<int64_t> Missing() {
    const auto missing = std::make_shared<std::vector<int64_t>>();
    Ask([missing, size = share_.size](c10d::Store& store) {
      for (int64_t rank = 0; rank < size; ++rank)
        if (!store.check({BeatOf(rank)})) missing->push_back(rank);
    });
    return *missing;
  }

  // A call to the store, which answers at once or not at all.
  void Ask(const std::function<void(c10d::Store&)>& call) { Ask(call, std::max(kAnswer, timeout_)); }
  void Ask(const std::function<void(c10d::Store&)>& call, Millis limit) {
    const std::string gone = "the store of the processes does not answer";
    try {
      if (!background_.Run([store = store_, call] { call(*store); }, limit)) throw Lost(holder_, gone);
    } catch (const c10::Error&) {
      throw Lost(holder_, gone);
    }
  }

  // A rank 0 that no longer beats will never say anything, though the launcher's store still answers.
  void RequireRankZero() {
    const auto beat = std::make_shared<int64_t>();
    Ask([beat](c10d::Store& store) { *beat = store.add(BeatOf(0), 0); });
    if (*beat != zero_beat_) zero_beat_ = *beat, zero_beat_at_ = Clock::now();
    if (Clock::now() - zero_beat_at_ > timeout_) throw Lost(0, "it has stopped");
  }

  // Waits as Work::wait() does, but lets the process end.
  void Wait(const c10::intrusive_ptr<c10d::Work>& work) {
    Guarded([&] {
      for (int64_t round = 0; !work->isCompleted(); ++round) {
        ThrowIfCancelled();
        if (round < 100) {
          std::this_thread::yield();
        } else {
          std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
      }
      work->wait();
    });
  }

  // Gloo says that a connection is closed or that time is up, but not whose.
  void Guarded(const std::function<void()>& call) {
    try {
      call();
    } catch (const Failure&) {
      throw;
    } catch (const std::exception& error) {
      const auto* torch = dynamic_cast<const c10::Error*>(&error);
      throw LostOne(torch ? torch->what_without_backtrace() : error.what());
    }
  }

  void ThrowIfFailed() {
    const auto text = std::make_shared<std::string>();
    Ask([text](c10d::Store& store) {
      if (store.check({kFailed})) *text = ToText(store.get(kFailed));
    });
    if (text->empty()) return;
    const size_t space = text->find(' ');
    throw Lost(std::stoll(text->substr(0, space)), text->substr(space + 1));
  }

  // The first report counts.
  void Report(int64_t rank, const std::string& message) {
    Ask([text = std::to_string(rank) + " " + message](c10d::Store& store) {
      store.compareSet(kFailed, {}, ToBytes(text));
    });
  }

  // Who is gone, after `what` has failed: who said so, or whose heart has stopped.
  Failure LostOne(const std::string& what) {
    try {
      ThrowIfFailed();
      const std::vector<int64_t> before = Beats();
      const auto until = Clock::now() + kListen;
      while (Clock::now() < until) {
        ThrowIfCancelled();
        std::this_thread::sleep_for(kBeat);
      }
      ThrowIfFailed();
      const std::vector<int64_t> after = Beats();
      std::vector<int64_t> stopped;
      for (size_t rank = 0; rank < after.size(); ++rank)
        if (after[rank] == before[rank]) stopped.push_back(static_cast<int64_t>(rank));
      if (stopped.empty()) return Lost(-1, "a connection between the processes failed: " + what);
      const std::string message = "it died or stopped (" + what + ")";
      Report(stopped[0], message);
      return Lost(stopped[0], message);
    } catch (const Failure& failure) {
      return failure;
    }
  }

  std::vector<int64_t> Beats() {
    const auto beats = std::make_shared<std::vector<int64_t>>();
    const auto read = [beats, size = share_.size](c10d::Store& store) {
      for (int64_t rank = 0; rank < size; ++rank) beats->push_back(store.add(BeatOf(rank), 0));
    };
    Ask(read, kAnswer);
    return *beats;
  }

  Failure Lost(int64_t rank, const std::string& why) const {
    const std::string who = rank < 0 ? "A process" : "The process of rank " + std::to_string(rank);
    return Failure("PROCESS_LOST", who + " of the " + std::to_string(share_.size) + " is lost: " + why,
                   {{"rank", static_cast<double>(rank)}, {"reporter", static_cast<double>(share_.rank)}});
  }

  Share share_;
  Millis timeout_;
  // The rank whose process holds the store; -1 where that is the launcher.
  int64_t holder_;
  int64_t zero_beat_ = -1;
  Clock::time_point zero_beat_at_;
  Background background_;
  Pointer store_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

}  // namespace

std::shared_ptr<ProcessGroup> MakeProcessGroup(const Spec& spec) { return std::make_shared<GlooGroup>(spec); }

std::shared_ptr<Communicator> CommunicatorOf(const std::shared_ptr<ProcessGroup>& group) {
  return std::dynamic_pointer_cast<Communicator>(group);
}

}  // namespace shinsaku
