#pragma once
// Mirror: what the watches say, put together with what the scheduler has decided but the watches do not say yet, as the
// deltas that the engine needs. Objects may arrive in any order: a pod waits here for its gang, its node and its
// devices. A decided bind or eviction stays in force until the object shows it or the write has failed, so that a late
// event can never undo a reservation. Owned by the engine's thread; knows nothing of threads or writes.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/round/decode.h"
#include "model/decision.h"
#include "sched/delta.h"

namespace muster::cluster {

class Mirror {
 public:
  void upsert_pod(PodRow row);
  void remove_pod(const std::string& ns, const std::string& name);
  void upsert_node(NodeRow row);
  void remove_node(const std::string& name);
  void upsert_gang(GangRow row, Time now);
  void remove_gang(const std::string& ns, const std::string& name);
  void upsert_queue(model::Queue queue);
  void remove_queue(const std::string& name);
  void upsert_pool(sched::Pool pool);
  void remove_pool(const std::string& name);
  void upsert_topology(sched::Topology topology);
  void remove_topology(const std::string& name);
  // A PriorityClass of the cluster; nullopt: it is gone, and what Muster itself says of the name holds again.
  void set_priority(const std::string& name, std::optional<std::int32_t> value);
  void set_config(sched::Config config);  // pools and topologies are the mirror's

  // The engine has decided; it has changed its own world already.
  void began_bind(const model::Decision& decision, Time now);
  void began_eviction(const model::Decision& decision, Time now);
  // The write was refused. Does nothing when the pod is another one by now (uid).
  void bind_failed(const std::string& ns, const std::string& name, const std::string& uid, const std::string& reason);
  void eviction_failed(const std::string& ns, const std::string& name, const std::string& uid);

  // What the engine has to be told since the last call, in an order that it accepts.
  std::vector<sched::Delta> take();
  // What a new engine has to be told to know all of it.
  std::vector<sched::Delta> everything() const;

  const PodRow* pod(const std::string& ns, const std::string& name) const;
  const NodeRow* node(const std::string& name) const;
  const GangRow* gang(const std::string& key) const;
  const model::Queue* queue(const std::string& name) const;
  // Names of the gang's pods, in order.
  const std::set<std::string>& pods_of_gang(const std::string& key) const;
  std::size_t pods() const { return pods_.size(); }

 private:
  struct Overlay {
    std::string uid;
    std::string node;  // of a bind; "" = an eviction
    std::vector<model::DeviceShare> devices;
  };
  struct Held {
    PodRow row;
    std::optional<Overlay> bind, eviction;
    std::optional<model::Pod> told;          // as the engine was told last
    std::vector<model::DeviceShare> picked;  // devices assumed for a foreign pod that does not say
  };

  static std::string key(const std::string& ns, const std::string& name) { return ns + "/" + name; }
  void tell_pod(const std::string& key);
  void forget_pod(Held& held);
  // The pod as the engine should see it; nullopt: not (yet).
  std::optional<model::Pod> effective(Held& held) const;
  std::vector<model::DeviceShare> pick_devices(const Held& held, const model::Node& node) const;
  void tell_pools();
  void tell_topologies();
  void started(const Held& held, const std::string& at, Time now);
  void index(const Held& held, const std::string& key);
  void unindex(const Held& held, const std::string& key);

  std::map<std::string, Held> pods_;
  std::map<std::string, GangRow> gangs_;
  std::map<std::string, NodeRow> nodes_;
  std::map<std::string, model::Queue> queues_;
  std::map<std::string, sched::Pool> pools_;
  std::map<std::string, sched::Topology> topologies_;
  std::map<std::string, std::int32_t> priorities_;
  sched::Config config_;
  std::map<std::string, std::set<std::string>> by_gang_;  // gang -> pods
  std::map<std::string, std::set<std::string>> by_node_;  // node -> pods
  std::vector<sched::Delta> deltas_;
};

}  // namespace muster::cluster
