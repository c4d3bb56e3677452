#pragma once
// Changes: what watchers of /api/muster/v1/events are told. Parts mark keys that changed; one thread gathers marks for
// a moment, gives each an ever growing number, and sends the newest state of each key once. A ring of numbers and keys
// (never of states) lets a watcher resume; who comes too late is told to read everything anew.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "net/server.h"

namespace muster::control {

enum class ChangeKind { Workload, Project, Node, Activity };

struct ChangeKey {
  ChangeKind kind = ChangeKind::Workload;
  std::string key;
  std::string project;  // whose watchers may see it; "" = all
  friend bool operator==(const ChangeKey& a, const ChangeKey& b) { return a.kind == b.kind && a.key == b.key; }
};

class Changes {
 public:
  struct Told {
    std::string event;  // workload | workload-gone | project ...
    std::string data;   // JSON on one line
  };
  // The newest state of a key; nullopt: nothing to tell any more. Called without any lock of Changes.
  using Render = std::function<std::optional<Told>(const ChangeKey&)>;
  // Whether a watcher is still welcome, and may see a project ("" asks the former alone).
  using Allowed = std::function<bool(const std::string& project)>;

  // Numbers begin at `first`, which must be larger than any of an earlier run.
  Changes(Render render, std::uint64_t first);
  ~Changes();

  void mark(ChangeKey key);
  // The answer that goes on. `resume`: the last number that the watcher has seen.
  net::Response watch(std::optional<std::uint64_t> resume, Allowed allowed);
  std::size_t watchers() const;

  static constexpr Duration gather = milliseconds(20);
  static constexpr Duration heartbeat = seconds(15);
  static constexpr std::size_t ring_size = 20'000;

 private:
  struct Watcher {
    std::shared_ptr<net::Stream> stream;
    Allowed allowed;
    std::optional<std::uint64_t> resume;
  };
  struct Entry {
    std::uint64_t number = 0;
    ChangeKey key;
  };
  struct Hash {
    std::size_t operator()(const ChangeKey& key) const {
      return std::hash<std::string>{}(key.key) * 4 + static_cast<std::size_t>(key.kind);
    }
  };
  struct Work {
    std::vector<Watcher> arrived;
    std::vector<Entry> fresh;
    std::vector<Entry> missed;  // for those who arrived: the ring before `fresh`
    std::uint64_t oldest = 0;   // smallest number after which nothing is lost
    std::uint64_t newest = 0;
    bool beat = false;
  };

  void run(std::stop_token stop);
  std::optional<Work> take(std::stop_token stop) EXCLUDES(mutex_);
  void welcome(const Watcher& watcher, const Work& work) const;
  void tell(const std::vector<Entry>& entries);

  const Render render_;
  mutable Mutex mutex_;
  Condition changed_;
  std::vector<ChangeKey> marked_ GUARDED_BY(mutex_);
  std::unordered_map<ChangeKey, bool, Hash> is_marked_ GUARDED_BY(mutex_);
  std::vector<Watcher> arrived_ GUARDED_BY(mutex_);
  std::deque<Entry> ring_ GUARDED_BY(mutex_);
  std::uint64_t last_ GUARDED_BY(mutex_);
  std::size_t count_ GUARDED_BY(mutex_) = 0;
  Deadline due_ GUARDED_BY(mutex_) = Deadline::never();
  Deadline next_beat_ GUARDED_BY(mutex_) = Deadline::never();
  std::vector<Watcher> watchers_;  // the thread's own
  std::jthread thread_;
};

}  // namespace muster::control
