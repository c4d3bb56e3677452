#pragma once
// ClusterView: what the cluster has said of queues, nodes and events: the newest fact of each key.
// Thread contract: guarded by the lock of the tables.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"

namespace muster::control {

using Body = std::shared_ptr<const json::Value>;

struct ClusterEvent {
  std::string id, workload_id;
  Body body;
};

class ClusterView {
 public:
  void take_queue(const std::string& name, Body body) { queues_[name] = std::move(body); }
  void drop_queue(const std::string& name) { queues_.erase(name); }
  void take_node(const std::string& name, Body body) { nodes_[name] = std::move(body); }
  bool drop_node(const std::string& name) { return nodes_.erase(name) > 0; }
  // An event again (its count grew) takes the place of the old one.
  void take_event(const std::string& id, Body body);

  // nullptr when the cluster has not spoken of it.
  Body queue(const std::string& name) const;
  Body node(const std::string& name) const;
  Body event(const std::string& id) const;
  const std::map<std::string, Body>& nodes() const { return nodes_; }
  // Oldest first.
  const std::deque<ClusterEvent>& activity() const { return activity_; }
  std::vector<Body> events_of(const std::string& workload_id) const;
  // Events of a workload that was forgotten.
  void forget(const std::string& workload_id) { by_workload_.erase(workload_id); }

  bool synced = false;

 private:
  static constexpr std::size_t kept_activity = 2000, kept_per_workload = 100;
  std::map<std::string, Body> queues_, nodes_;
  std::deque<ClusterEvent> activity_;
  std::map<std::string, std::deque<ClusterEvent>> by_workload_;
};

}  // namespace muster::control
