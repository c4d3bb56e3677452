#pragma once
// Upward: keeps rows of everything that the control plane is told about, marks what changed and tells it in facts: the
// newest of each key, the first at once, then at most every 50 ms; a verdict that only changes its numbers at most
// twice a second.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "cluster/feed.h"
#include "cluster/link/facts.h"
#include "cluster/link/rows.h"
#include "cluster/round/round.h"
#include "model/line.h"

namespace muster::cluster {

class Upward {
 public:
  Upward(Clock& clock, model::LineToControl& control, Feeds& feeds);
  ~Upward() { stop(); }

  void start();
  void stop();
  // From the engine's thread after each round.
  void on_round(const RoundNews& news);
  // The cluster refused a change: whoever asked for it has to know.
  void refused(const model::Desired& change, const Error& why);
  bool is_ready() const;
  // The gang "ns/name" of a workload; "" when there is no such workload.
  std::string gang_of(const std::string& workload_id) const;

 private:
  struct Nominated {
    std::string pod;  // "ns/name"
    std::vector<model::DeviceShare> devices;
  };
  struct PendingEvent {
    json::Value object;
    int tries = 0;
  };

  void subscribe(Feeds& feeds);
  void on_training(const kube::Change& change);
  void on_pod(const kube::Change& change);
  void on_node(const kube::Change& change);
  void on_queue(const kube::Change& change);
  void on_pool(const kube::Change& change);
  void on_event(const kube::Change& change);
  void synced(const std::string& kind);

  void run(std::stop_token stop);
  std::vector<model::Fact> collect(bool with_slow) REQUIRES(mutex_);
  void collect_workload(const std::string& key, std::vector<model::Fact>& facts) REQUIRES(mutex_);
  void collect_node(const std::string& name, std::vector<model::Fact>& facts) REQUIRES(mutex_);
  void collect_events(std::vector<model::Fact>& facts) REQUIRES(mutex_);
  void put(std::vector<model::Fact>& facts, model::Fact fact) REQUIRES(mutex_);
  void mark_over_quota(const std::string& queue) REQUIRES(mutex_);
  void mark_pod(const LinkedPod& pod) REQUIRES(mutex_);
  void wake() REQUIRES(mutex_);
  Holder holder_of(const LinkedPod& pod) const REQUIRES(mutex_);
  // nullopt: not known yet.
  std::optional<std::string> workload_of_event(const json::Value& event) const REQUIRES(mutex_);

  Clock& clock_;
  model::LineToControl& control_;
  mutable Mutex mutex_;
  Condition some_;
  std::map<std::string, WorkloadRow> workloads_ GUARDED_BY(mutex_);              // "ns/name"
  std::map<std::string, std::string> key_by_uid_ GUARDED_BY(mutex_);             // training uid -> "ns/name"
  std::map<std::string, std::string> key_by_id_ GUARDED_BY(mutex_);              // workload id -> "ns/name"
  std::map<std::string, std::string> key_by_gang_ GUARDED_BY(mutex_);            // gang -> "ns/name"
  std::map<std::string, LinkedPod> pods_ GUARDED_BY(mutex_);                     // "ns/name"
  std::map<std::string, std::set<std::string>> by_workload_ GUARDED_BY(mutex_);  // training uid -> pods
  std::map<std::string, std::set<std::string>> by_node_ GUARDED_BY(mutex_);      // node -> pods
  std::map<std::string, std::set<std::string>> by_queue_ GUARDED_BY(mutex_);     // queue -> pods
  std::map<std::string, LinkedNode> nodes_ GUARDED_BY(mutex_);
  std::map<std::string, LinkedQueue> queues_ GUARDED_BY(mutex_);
  std::map<std::string, sched::QueueUse> uses_ GUARDED_BY(mutex_);
  std::map<std::string, sched::Pool> pools_ GUARDED_BY(mutex_);
  std::map<std::string, model::Verdict> verdicts_ GUARDED_BY(mutex_);           // gang
  std::map<std::string, std::vector<Nominated>> nominated_ GUARDED_BY(mutex_);  // node
  std::set<std::string> over_quota_ GUARDED_BY(mutex_);                         // workloads "ns/name"
  std::map<std::string, std::string> gone_pods_ GUARDED_BY(mutex_);             // pod uid -> workload id, bounded

  std::set<std::string> dirty_workloads_ GUARDED_BY(mutex_), slow_workloads_ GUARDED_BY(mutex_);
  std::set<std::string> dirty_nodes_ GUARDED_BY(mutex_), dirty_queues_ GUARDED_BY(mutex_);
  std::set<std::string> quota_queues_ GUARDED_BY(mutex_);  // whose over-quota marks are to be worked out
  std::vector<PendingEvent> events_ GUARDED_BY(mutex_);
  std::vector<model::Fact> ready_facts_ GUARDED_BY(mutex_);               // removals and refusals
  std::unordered_map<std::string, std::size_t> sent_ GUARDED_BY(mutex_);  // key -> hash of the body
  std::set<std::string> synced_ GUARDED_BY(mutex_);
  bool is_dirty_ GUARDED_BY(mutex_) = false;
  bool said_synced_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace muster::cluster
