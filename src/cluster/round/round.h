#pragma once
// Round: the engine's thread. Watch events are decoded on the feeds' threads and become deltas here; the engine runs
// when something has changed (a few milliseconds are waited for more) or when it asked to be woken, never by polling;
// decisions go to the binder, verdicts and use to the notices and to whoever listens; questions are answered between
// rounds. Nothing is decided before every first list is there.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "cluster/bind/binder.h"
#include "cluster/feed.h"
#include "cluster/journal.h"
#include "cluster/round/decision_file.h"
#include "cluster/round/mirror.h"
#include "cluster/round/notices.h"
#include "sched/engine.h"
#include "sched/replay/log.h"

namespace muster::cluster {

// What one round changed.
struct RoundNews {
  std::vector<std::pair<std::string, std::optional<model::Verdict>>> verdicts;  // gang "ns/name"
  std::vector<std::pair<std::string, sched::QueueUse>> queues;
  std::vector<model::Decision> decisions;
};

// What a question may look at; valid only while it is answered.
struct Glance {
  const sched::Engine& engine;
  const Mirror& mirror;
  Time now;
};

class Round {
 public:
  struct Options {
    kube::Api* api = nullptr;
    Clock* clock = nullptr;
    Journal* journal = nullptr;
    std::set<std::string> schedulers;
    std::string state_folder;
    // Called on the engine's thread after each round that changed something; must not block.
    std::function<void(const RoundNews&)> listener;
  };
  Round(Options options, Feeds& feeds);
  ~Round();
  Round(const Round&) = delete;

  void start();
  void stop();
  bool is_ready() const;
  // Runs `question` on the engine's thread. Unavailable while the first lists are not there by the deadline.
  Result<void> ask(std::function<void(const Glance&)> question, Deadline deadline);
  // Prometheus text.
  std::string metrics() const;

 private:
  using Step = std::function<void()>;
  struct Counts {
    std::uint64_t rounds = 0;
    std::uint64_t round_us = 0;  // sum
    std::uint64_t slowest_us = 0;
    std::uint64_t binds = 0, evictions = 0;
    std::size_t waiting_gangs = 0, pods = 0;
  };

  void subscribe(Feeds& feeds);
  void post(Step step);
  void post_synced(const kube::Kind& kind);
  void run_thread();
  // Steps that came in; false: stop.
  bool wait_for_steps(std::vector<Step>& steps, std::vector<Step>& questions);
  void run_engine();
  void begin_log();
  void apply(const sched::Delta& delta);
  void carry_out(const model::Decision& decision);
  std::string in_words(const model::Decision& decision) const;
  void tell_verdicts(const sched::Round& round);
  void tell_queues(RoundNews& news);
  void tell_problem(const PodRow& row);

  Options options_;
  Notices notices_;
  Binder binder_;

  mutable Mutex mutex_;
  Condition some_, room_;
  std::vector<Step> steps_ GUARDED_BY(mutex_);
  std::vector<Step> questions_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool ready_ GUARDED_BY(mutex_) = false;
  Counts counts_ GUARDED_BY(mutex_);

  // Owned by the engine's thread.
  Mirror mirror_;
  sched::Engine engine_;
  DecisionFile decisions_;
  std::unique_ptr<sched::replay::Recorder> recorder_;  // null: no log is kept
  std::set<std::string> synced_;                       // kinds whose first list is there
  std::optional<Time> wake_at_;
  std::map<std::string, sched::QueueUse> uses_;
  std::set<std::string> waiting_;                 // gangs with a verdict
  std::map<std::string, std::string> nominated_;  // pod -> node
  std::map<std::string, std::string> problems_;   // pod uid -> what was said
  std::jthread thread_;
};

}  // namespace muster::cluster
