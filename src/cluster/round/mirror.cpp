#include "cluster/round/mirror.h"

#include <algorithm>
#include <utility>

namespace muster::cluster {
void Mirror::index(const Held& held, const std::string& at) {
  if (!held.row.pod.gang.empty()) by_gang_[key(held.row.pod.ns, held.row.pod.gang)].insert(at);
  if (!held.row.pod.node.empty()) by_node_[held.row.pod.node].insert(at);
  if (held.bind) by_node_[held.bind->node].insert(at);
}

void Mirror::unindex(const Held& held, const std::string& at) {
  const auto drop = [&](std::map<std::string, std::set<std::string>>& from, const std::string& name) {
    const auto found = from.find(name);
    if (found == from.end()) return;
    found->second.erase(at);
    if (found->second.empty()) from.erase(found);
  };
  drop(by_gang_, key(held.row.pod.ns, held.row.pod.gang));
  drop(by_node_, held.row.pod.node);
  if (held.bind) drop(by_node_, held.bind->node);
}

void Mirror::forget_pod(Held& held) {
  if (!held.told) return;
  deltas_.push_back(sched::RemovePod{held.told->ns, held.told->name});
  held.told.reset();
}

void Mirror::upsert_pod(PodRow row) {
  const std::string at = key(row.pod.ns, row.pod.name);
  Held& held = pods_[at];
  if (!held.row.pod.uid.empty()) unindex(held, at);
  if (held.row.pod.uid != row.pod.uid) {
    // Another pod of the same name.
    forget_pod(held);
    held = Held{};
  }
  // The object shows what was decided, or what makes the decision void.
  if (!row.pod.node.empty() || row.has_ended || row.is_going) held.bind.reset();
  if (row.has_ended || row.is_going) held.eviction.reset();
  held.row = std::move(row);
  index(held, at);
  tell_pod(at);
}

void Mirror::remove_pod(const std::string& ns, const std::string& name) {
  const auto found = pods_.find(key(ns, name));
  if (found == pods_.end()) return;
  unindex(found->second, found->first);
  forget_pod(found->second);
  pods_.erase(found);
}

std::vector<model::DeviceShare> Mirror::pick_devices(const Held& held, const model::Node& node) const {
  std::vector<bool> taken(node.devices.size(), false);
  if (const auto pods = by_node_.find(node.name); pods != by_node_.end()) {
    for (const std::string& at : pods->second) {
      const Held& other = pods_.at(at);
      if (!other.told || &other == &held) continue;
      for (const model::DeviceShare& share : other.told->devices) {
        if (share.index >= 0 && static_cast<std::size_t>(share.index) < taken.size()) taken[share.index] = true;
      }
    }
  }
  std::vector<model::DeviceShare> picked;
  for (std::size_t i = taken.size(); i-- > 0 && std::cmp_less(picked.size(), held.row.pod.constraints.gpu.devices);) {
    if (!taken[i]) picked.push_back({.index = static_cast<std::int32_t>(i)});
  }
  std::reverse(picked.begin(), picked.end());
  return picked;
}

std::optional<model::Pod> Mirror::effective(Held& held) const {
  const PodRow& row = held.row;
  if (row.pod.foreign) {
    if (row.pod.node.empty() || row.has_ended) return std::nullopt;
  } else {
    if (!row.problem.empty() && row.pod.node.empty()) return std::nullopt;
    if (row.pod.gang.empty() || !gangs_.contains(key(row.pod.ns, row.pod.gang))) return std::nullopt;
    if (row.is_going && row.pod.node.empty()) return std::nullopt;
  }
  model::Pod pod = row.pod;
  if (held.bind) {
    pod.node = held.bind->node;
    pod.devices = held.bind->devices;
    pod.state = model::PodState::Binding;
  }
  if (held.eviction && !row.has_ended) pod.state = model::PodState::Releasing;
  if (pod.node.empty()) return pod;
  const auto node = nodes_.find(pod.node);
  if (node == nodes_.end()) return std::nullopt;
  if (row.has_ended) return pod;
  if (!held.bind) pod.devices = shares_of(row.granted, node->second.node.devices);
  // Bound by somebody who does not say which devices: the container runtime decides; the last free ones are as good
  // a guess as any, and the count is right.
  if (pod.devices.empty() && pod.constraints.gpu.kind == model::GpuRequest::Kind::Whole && !held.bind) {
    if (held.picked.empty()) held.picked = pick_devices(held, node->second.node);
    pod.devices = held.picked;
  }
  return pod;
}

void Mirror::tell_pod(const std::string& at) {
  Held& held = pods_.at(at);
  std::optional<model::Pod> pod = effective(held);
  if (!pod) {
    forget_pod(held);
    return;
  }
  if (held.told == pod) return;
  deltas_.push_back(sched::UpsertPod{*pod});
  held.told = std::move(pod);
}

void Mirror::upsert_node(NodeRow row) {
  const std::string name = row.node.name;
  std::vector<sched::Pool> pools;
  for (const auto& [pool_name, pool] : pools_) pools.push_back(pool);
  row.node.pool = pool_of(row.node.labels, pools);
  const auto known = nodes_.find(name);
  if (known != nodes_.end() && known->second.node == row.node) return;
  deltas_.push_back(sched::UpsertNode{row.node});
  nodes_[name] = std::move(row);
  if (const auto pods = by_node_.find(name); pods != by_node_.end()) {
    for (const std::string& at : pods->second) tell_pod(at);
  }
}

void Mirror::remove_node(const std::string& name) {
  if (nodes_.erase(name) == 0) return;
  if (const auto pods = by_node_.find(name); pods != by_node_.end()) {
    for (const std::string& at : pods->second) tell_pod(at);
  }
  deltas_.push_back(sched::RemoveNode{name});
}

void Mirror::upsert_gang(GangRow row, Time now) {
  const std::string at = key(row.gang.ns, row.gang.name);
  auto known = gangs_.find(at);
  if (known != gangs_.end() && known->second.gang.uid != row.gang.uid) {
    remove_gang(row.gang.ns, row.gang.name);
    known = gangs_.end();
  } else if (known != gangs_.end()) {
    // What was seen here may be newer than what has been written.
    const model::Gang& old = known->second.gang;
    if (old.last_start && (!row.gang.last_start || *row.gang.last_start < *old.last_start)) {
      row.gang.last_start = old.last_start;
    }
    if (old.last_evicted && (!row.gang.last_evicted || *row.gang.last_evicted < *old.last_evicted)) {
      row.gang.last_evicted = old.last_evicted;
    }
  }
  if (const auto value = priorities_.find(row.priority_class); value != priorities_.end()) {
    row.gang.priority = value->second;
  }
  if (row.gang.created.ms == 0) row.gang.created = now;
  const bool is_news = known == gangs_.end() || known->second.gang != row.gang;
  if (is_news) deltas_.push_back(sched::UpsertGang{row.gang});
  gangs_[at] = std::move(row);
  if (!is_news) return;
  if (const auto pods = by_gang_.find(at); pods != by_gang_.end()) {
    for (const std::string& pod : pods->second) tell_pod(pod);
  }
}

void Mirror::remove_gang(const std::string& ns, const std::string& name) {
  const std::string at = key(ns, name);
  if (gangs_.erase(at) == 0) return;
  if (const auto pods = by_gang_.find(at); pods != by_gang_.end()) {
    for (const std::string& pod : pods->second) tell_pod(pod);
  }
  deltas_.push_back(sched::RemoveGang{ns, name});
}

void Mirror::upsert_queue(model::Queue queue) {
  const auto known = queues_.find(queue.name);
  if (known != queues_.end() && known->second == queue) return;
  deltas_.push_back(sched::UpsertQueue{queue});
  queues_[queue.name] = std::move(queue);
}

void Mirror::remove_queue(const std::string& name) {
  if (queues_.erase(name) != 0) deltas_.push_back(sched::RemoveQueue{name});
}

void Mirror::tell_pools() {
  config_.pools.clear();
  for (const auto& [name, pool] : pools_) config_.pools.push_back(pool);
  deltas_.push_back(sched::SetConfig{config_});
  for (auto& [name, row] : nodes_) {
    const std::string pool = pool_of(row.node.labels, config_.pools);
    if (pool == row.node.pool) continue;
    row.node.pool = pool;
    deltas_.push_back(sched::UpsertNode{row.node});
  }
}

void Mirror::upsert_pool(sched::Pool pool) {
  pools_[pool.name] = std::move(pool);
  tell_pools();
}

void Mirror::remove_pool(const std::string& name) {
  if (pools_.erase(name) != 0) tell_pools();
}

void Mirror::tell_topologies() {
  config_.topologies.clear();
  for (const auto& [name, topology] : topologies_) config_.topologies.push_back(topology);
  deltas_.push_back(sched::SetConfig{config_});
}

void Mirror::upsert_topology(sched::Topology topology) {
  topologies_[topology.name] = std::move(topology);
  tell_topologies();
}

void Mirror::remove_topology(const std::string& name) {
  if (topologies_.erase(name) != 0) tell_topologies();
}

void Mirror::set_priority(const std::string& name, std::optional<std::int32_t> value) {
  if (value) {
    priorities_[name] = *value;
  } else {
    priorities_.erase(name);
  }
  const std::int32_t now = value.value_or(model::priority_value(name).value_or(50));
  for (auto& [key, row] : gangs_) {
    if (row.priority_class != name || row.gang.priority == now) continue;
    row.gang.priority = now;
    deltas_.push_back(sched::UpsertGang{row.gang});
  }
}

void Mirror::set_config(sched::Config config) {
  config_ = std::move(config);
  for (const auto& [name, topology] : topologies_) config_.topologies.push_back(topology);
  tell_pools();
}

void Mirror::began_bind(const model::Decision& decision, Time now) {
  const std::string at = key(decision.ns, decision.pod);
  const auto found = pods_.find(at);
  if (found == pods_.end()) return;
  Held& held = found->second;
  held.bind = Overlay{held.row.pod.uid, decision.node, decision.devices};
  index(held, at);
  // The engine knows already; remember what it knows so that the next event tells only what is new.
  held.told = effective(held);
  started(held, at, now);
}

// The moment when the first pod of a gang that held nothing gets its place.
void Mirror::started(const Held& held, const std::string& at, Time now) {
  const std::string gang_key = key(held.row.pod.ns, held.row.pod.gang);
  const auto gang = gangs_.find(gang_key);
  if (gang == gangs_.end()) return;
  for (const std::string& other : by_gang_[gang_key]) {
    const Held& pod = pods_.at(other);
    if (other != at && pod.told && model::holds_resources(pod.told->state)) return;
  }
  gang->second.gang.last_start = now;
  deltas_.push_back(sched::UpsertGang{gang->second.gang});
}

void Mirror::began_eviction(const model::Decision& decision, Time now) {
  const auto found = pods_.find(key(decision.ns, decision.pod));
  if (found == pods_.end()) return;
  Held& held = found->second;
  held.eviction = Overlay{held.row.pod.uid, "", {}};
  held.told = effective(held);
  const auto gang = gangs_.find(key(held.row.pod.ns, held.row.pod.gang));
  if (gang == gangs_.end() || gang->second.gang.last_evicted == now) return;
  gang->second.gang.last_evicted = now;
  deltas_.push_back(sched::UpsertGang{gang->second.gang});
}

void Mirror::bind_failed(const std::string& ns, const std::string& name, const std::string& uid,
                         const std::string& reason) {
  const std::string at = key(ns, name);
  const auto found = pods_.find(at);
  if (found == pods_.end() || !found->second.bind || found->second.bind->uid != uid) return;
  Held& held = found->second;
  unindex(held, at);
  held.bind.reset();
  index(held, at);
  deltas_.push_back(sched::BindFailed{ns, name, reason});
  // BindFailed puts the pod back to Pending in the engine; an event may say more.
  if (held.told) {
    held.told->state = model::PodState::Pending;
    held.told->node.clear();
    held.told->devices.clear();
  }
  tell_pod(at);
}

void Mirror::eviction_failed(const std::string& ns, const std::string& name, const std::string& uid) {
  const std::string at = key(ns, name);
  const auto found = pods_.find(at);
  if (found == pods_.end() || !found->second.eviction || found->second.eviction->uid != uid) return;
  found->second.eviction.reset();
  tell_pod(at);
}

std::vector<sched::Delta> Mirror::take() { return std::exchange(deltas_, {}); }

std::vector<sched::Delta> Mirror::everything() const {
  std::vector<sched::Delta> all;
  all.push_back(sched::SetConfig{config_});
  for (const auto& [name, queue] : queues_) all.push_back(sched::UpsertQueue{queue});
  for (const auto& [name, row] : nodes_) all.push_back(sched::UpsertNode{row.node});
  for (const auto& [key, row] : gangs_) all.push_back(sched::UpsertGang{row.gang});
  for (const auto& [key, held] : pods_) {
    if (held.told) all.push_back(sched::UpsertPod{*held.told});
  }
  return all;
}

const PodRow* Mirror::pod(const std::string& ns, const std::string& name) const {
  const auto found = pods_.find(key(ns, name));
  return found == pods_.end() ? nullptr : &found->second.row;
}

const NodeRow* Mirror::node(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : &found->second;
}

const GangRow* Mirror::gang(const std::string& at) const {
  const auto found = gangs_.find(at);
  return found == gangs_.end() ? nullptr : &found->second;
}

const model::Queue* Mirror::queue(const std::string& name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : &found->second;
}

const std::set<std::string>& Mirror::pods_of_gang(const std::string& at) const {
  static const std::set<std::string> none;
  const auto found = by_gang_.find(at);
  return found == by_gang_.end() ? none : found->second;
}

}  // namespace muster::cluster
