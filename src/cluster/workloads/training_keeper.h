#pragma once
// TrainingKeeper: the controller of trainings: makes and removes pods and writes the status, as settle.h says. Keyed by
// workload; pods are found by their controller's uid.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "cluster/feed.h"
#include "cluster/journal.h"
#include "cluster/worklist.h"
#include "cluster/workloads/settle.h"
#include "kube/api.h"

namespace muster::cluster {

class TrainingKeeper {
 public:
  TrainingKeeper(kube::Api& api, Clock& clock, Journal& journal, Feeds& feeds);
  ~TrainingKeeper() { stop(); }
  void stop() { keys_.stop(); }
  bool is_ready() const;

 private:
  void synced(const std::string& kind);
  std::optional<Duration> visit(const std::string& key);
  // Pods whose Training was taken away by force: nobody keeps their runs.
  std::optional<Duration> release_orphans(const std::string& key);
  bool create_pods(const json::Value& object, const Settlement& settlement);
  bool remove_pods(const Training& training, const Settlement& settlement);
  bool let_go(const Training& training, const std::vector<Attempt>& pods);
  bool write_status(const Training& training, const TrainingStatus& status);
  std::optional<Duration> release(const json::Value& object);
  std::optional<Duration> fail(const Training& training, const Error& why);

  kube::Api& api_;
  Clock& clock_;
  Journal& journal_;
  mutable Mutex mutex_;
  std::map<std::string, json::Value> trainings_ GUARDED_BY(mutex_);                    // by "ns/name"
  std::map<std::string, std::map<std::string, Attempt>> attempts_ GUARDED_BY(mutex_);  // owner uid -> pod name
  std::map<std::string, std::set<std::string>> owners_ GUARDED_BY(mutex_);  // "ns/name" -> owner uids with pods
  std::map<std::string, std::string> evicted_ GUARDED_BY(mutex_);  // training uid -> why its last pod was evicted
  std::set<std::string> synced_ GUARDED_BY(mutex_);
  Worklist keys_;
};

}  // namespace muster::cluster
