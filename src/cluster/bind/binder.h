#pragma once
// Binder: carries out what the engine decided: bindings with their devices, evictions with their reason. Several gangs
// at a time, in order within one gang. Every write names the uid it is meant for; a failure is reported back and
// becomes a delta. Never blocks the engine's thread.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "cluster/granted.h"
#include "cluster/journal.h"
#include "cluster/worklist.h"
#include "kube/api.h"

namespace muster::cluster {

// Annotation on a pod that the scheduler is about to evict: {"action","for","message","at"}. The workload's controller
// reads it: an eviction is no failure of the pod.
inline constexpr std::string_view evicted_annotation = "muster.dev/evicted";

struct PodTask {
  enum class Kind { Bind, Evict };
  Kind kind = Kind::Bind;
  std::string ns, pod, uid;
  std::string gang, gang_uid;  // name and uid of its PodGroup
  // Bind
  std::string node, pool;
  std::vector<Granted> devices;
  // Evict
  std::string action;    // allocate consolidate reclaim preempt stale-gang
  std::string for_gang;  // "ns/name"; "" when nobody's
  std::string message;
};

struct Outcome {
  PodTask::Kind kind = PodTask::Kind::Bind;
  std::string ns, pod, uid;
  std::optional<Error> error;  // nullopt: done
};

class Binder {
 public:
  using Report = std::function<void(const Outcome&)>;

  // `report` is called from the binder's threads.
  Binder(kube::Api& api, Clock& clock, Journal& journal, Report report);
  ~Binder() { stop(); }

  void add(PodTask task);
  void start() { gangs_.start(); }
  // Ends after the writes under way; what still waits is dropped: the next start decides anew.
  void stop() { gangs_.stop(); }

  struct Counts {
    std::uint64_t bound = 0, bind_failures = 0, evicted = 0, eviction_failures = 0;
    std::size_t waiting = 0;
  };
  Counts counts() const;

 private:
  struct Queued {
    PodTask task;
    int attempts = 0;
  };
  std::optional<Duration> visit(const std::string& gang);
  Result<void> carry_out(const PodTask& task);
  Result<void> bind(const PodTask& task);
  Result<void> evict(const PodTask& task);
  void record(const PodTask& task, const std::optional<Error>& error);

  kube::Api& api_;
  Clock& clock_;
  Journal& journal_;
  const Report report_;
  mutable Mutex mutex_;
  std::map<std::string, std::deque<Queued>> tasks_ GUARDED_BY(mutex_);  // by gang
  Counts counts_ GUARDED_BY(mutex_);
  Worklist gangs_;
};

}  // namespace muster::cluster
