#pragma once
// Grouper: sees to it that every pod of ours has a PodGroup and says so in its annotation pod-group-name. Creates what
// is missing; of a group that exists it changes priority, preemptibility and minimum when the pods' labels say another,
// never the queue or what others own.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/threads.h"
#include "cluster/feed.h"
#include "cluster/journal.h"
#include "cluster/worklist.h"
#include "kube/api.h"

namespace muster::cluster {

class Grouper {
 public:
  Grouper(kube::Api& api, Journal& journal, std::set<std::string> schedulers, Feeds& feeds);
  ~Grouper() { stop(); }
  void stop() { pods_.stop(); }
  bool is_ready() const;

 private:
  std::optional<Duration> visit(const std::string& key);
  std::optional<Duration> ensure_group(const json::Value& pod);
  void remember(const std::string& pod, const std::string& group) REQUIRES(mutex_);
  void synced(const std::string& kind);

  kube::Api& api_;
  Journal& journal_;
  const std::set<std::string> schedulers_;
  mutable Mutex mutex_;
  std::map<std::string, json::Value> todo_ GUARDED_BY(mutex_);               // pods not grouped yet, by "ns/name"
  std::map<std::string, json::Value> groups_ GUARDED_BY(mutex_);             // spec of each PodGroup, by "ns/name"
  std::map<std::string, std::set<std::string>> members_ GUARDED_BY(mutex_);  // group "ns/name" -> its live pods of ours
  std::map<std::string, std::string> group_of_ GUARDED_BY(mutex_);           // pod -> its group
  std::map<std::string, std::string> namespace_queue_ GUARDED_BY(mutex_);
  std::set<std::string> synced_ GUARDED_BY(mutex_);
  Worklist pods_;
};

}  // namespace muster::cluster
