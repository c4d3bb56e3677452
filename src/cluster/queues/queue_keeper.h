#pragma once
// QueueKeeper: turns Department, Project and NodePool objects into Namespaces and Queues, and takes Queues away with
// them. A project's Namespace stays when the project goes: it may hold what people still want.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/threads.h"
#include "cluster/feed.h"
#include "cluster/worklist.h"
#include "kube/api.h"

namespace muster::cluster {

class QueueKeeper {
 public:
  QueueKeeper(kube::Api& api, Feeds& feeds);
  ~QueueKeeper() { stop(); }
  void stop() { keys_.stop(); }
  bool is_ready() const;

 private:
  void watch(Feeds& feeds, const kube::Kind& kind);
  std::optional<Duration> visit(const std::string& key);
  std::optional<Duration> settle_queue(const std::string& name);
  std::optional<Duration> settle_namespace(const std::string& project);
  // The queues that should be, by name, made anew from departments, projects and pools.
  void want_queues() REQUIRES(mutex_);

  kube::Api& api_;
  mutable Mutex mutex_;
  std::map<std::string, json::Value> departments_ GUARDED_BY(mutex_);
  std::map<std::string, json::Value> projects_ GUARDED_BY(mutex_);
  std::set<std::string> pools_ GUARDED_BY(mutex_);
  std::map<std::string, json::Value> queues_ GUARDED_BY(mutex_);      // as they are; only those that are ours
  std::map<std::string, json::Value> namespaces_ GUARDED_BY(mutex_);  // metadata as it is
  std::map<std::string, json::Value> wanted_ GUARDED_BY(mutex_);
  std::set<std::string> synced_ GUARDED_BY(mutex_);
  Worklist keys_;  // "queue/<name>", "namespace/<project>"
};

}  // namespace muster::cluster
