#pragma once
// Notices: what the scheduler has to say in the cluster's objects: why a gang waits (PodGroup condition, pod condition,
// event), what queues use (Queue status), when a gang last started and was evicted (annotations). Only what changed,
// the newest only, after it has held for a while, and never more than a bounded rate. Answers to people do not wait for
// this: they come from memory.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "cluster/journal.h"
#include "cluster/worklist.h"
#include "kube/api.h"
#include "model/verdict.h"
#include "sched/engine.h"

namespace muster::cluster {

class Notices {
 public:
  struct WaitingPod {
    std::string name, uid, resource_version;
  };
  struct Waiting {
    std::string ns, name, uid;  // of the PodGroup
    std::string pool;
    std::optional<model::Verdict> verdict;  // nullopt: it waits no more
    std::vector<WaitingPod> pods;           // those that wait
    bool was_written = false;               // an earlier start of Muster has left a condition
  };
  struct Stamps {
    std::string ns, name;
    std::optional<Time> last_start, last_evicted;
  };

  Notices(kube::Api& api, Clock& clock, Journal& journal);
  ~Notices() { stop(); }

  void waits(Waiting waiting);
  void stamps(Stamps stamps);
  void queue(const std::string& name, const sched::QueueUse& use);
  void forget(const std::string& ns, const std::string& name);  // the gang is gone
  void start() { keys_.start(); }
  void stop() { keys_.stop(); }

 private:
  struct Written {
    std::string reason, message;
  };
  std::optional<Duration> visit(const std::string& key);
  bool write_waiting(const Waiting& waiting);
  void write_pods(const Waiting& waiting);
  bool write_stamps(const Stamps& stamps);
  bool write_queue(const std::string& name, const sched::QueueUse& use);

  kube::Api& api_;
  Clock& clock_;
  Journal& journal_;
  Mutex mutex_;
  std::map<std::string, Waiting> waiting_ GUARDED_BY(mutex_);  // by "gang/ns/name"
  std::map<std::string, Written> written_ GUARDED_BY(mutex_);
  std::map<std::string, Stamps> stamps_ GUARDED_BY(mutex_);         // by "stamp/ns/name"
  std::map<std::string, sched::QueueUse> uses_ GUARDED_BY(mutex_);  // by "queue/name"
  std::int64_t next_write_ GUARDED_BY(mutex_) = 0;                  // monotonic ms
  Worklist keys_;
};

}  // namespace muster::cluster
