// Deltas of pods: their shape, their place in a gang, and what they hold.

#include <algorithm>
#include <bit>

#include <fmt/core.h>

#include "sched/state/world.h"

namespace muster::sched {

using model::PodState;

QueueId World::find_queue(std::string_view name) const {
  auto it = queue_by_name_.find(std::string(name));
  return it == queue_by_name_.end() ? QueueId{} : it->second;
}
NodeId World::find_node(std::string_view name) const {
  auto it = node_by_name_.find(std::string(name));
  return it == node_by_name_.end() ? NodeId{} : it->second;
}
JobId World::find_job(std::string_view key) const {
  auto it = job_by_key_.find(std::string(key));
  return it == job_by_key_.end() ? JobId{} : it->second;
}
PodId World::find_pod(std::string_view ns, std::string_view name) const {
  auto it = pod_by_key_.find(fmt::format("{}/{}", ns, name));
  return it == pod_by_key_.end() ? PodId{} : it->second;
}

ClassId World::intern_class(const model::Constraints& c) {
  std::string key = canonical_class(c);
  auto it = class_by_key_.find(key);
  if (it != class_by_key_.end()) return it->second;
  ClassId id{static_cast<std::uint32_t>(classes.size())};
  ConstraintClass& klass = classes.emplace_back();
  klass.selector = c.node_selector, klass.affinity = c.node_affinity, klass.tolerations = c.tolerations;
  klass.gpu = c.gpu.kind, klass.unsupported = c.unsupported;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].live || !class_admits(klass, *nodes[i].noun, config.predicates, config.restrict_scheduling)) continue;
    klass.nodes.put(NodeId{i});
    if (config.predicates && is_avoided(klass, *nodes[i].noun)) klass.avoided.put(NodeId{i});
  }
  class_by_key_[key] = id;
  return id;
}

ShapeId World::intern(const model::Constraints& c, std::string_view ns) {
  bool speaks = !c.pod_affinity.empty() || !c.pod_anti_affinity.empty() || !c.spread.empty();
  std::string key = canonical(c, speaks ? ns : "");
  auto it = shape_by_key_.find(key);
  if (it != shape_by_key_.end()) return it->second;
  ClassId klass = intern_class(c);
  Shape s;
  s.constraints = c;
  if (speaks) s.ns = ns;
  s.klass = klass;
  if (c.cpu > 0) s.need.emplace_back(dim_cpu, c.cpu);
  if (c.memory > 0) s.need.emplace_back(dim_memory, c.memory);
  s.need.emplace_back(dim_pods, 1);
  for (const auto& [name, amount] : c.extended)
    if (amount > 0) s.need.emplace_back(dim(name), amount);
  if (c.gpu.kind == model::GpuRequest::Kind::Mig) {
    for (const auto& [name, count] : c.gpu.mig) s.need.emplace_back(dim(name), count);
    s.mig_milli = model::charged_milli(c.gpu, 0);
  }
  for (std::size_t i = 0; i < named_resources.size(); ++i) s.named[i] = named_amount(c, i);
  std::size_t terms = domains.term_count();
  for (const auto& t : c.pod_affinity) s.affinity.push_back(domains.term(ns, t.topology_key, t.labels));
  for (const auto& t : c.pod_anti_affinity) s.anti_affinity.push_back(domains.term(ns, t.topology_key, t.labels));
  for (const auto& t : c.spread) s.spread.push_back(domains.term(ns, t.topology_key, t.labels));
  s.is_dynamic = speaks || !c.host_ports.empty();
  // Pods that were there before somebody asked about them are counted now.
  for (std::uint32_t t = static_cast<std::uint32_t>(terms); t < domains.term_count(); ++t) {
    for (std::uint32_t i = 0; i < pods.size(); ++i) {
      if (!pods[i].live || !domains.matches(TermId{t}, pods[i].ns, pods[i].labels)) continue;
      account(PodId{i}, -1);
      pods[i].terms.push_back(TermId{t});
      account(PodId{i}, 1);
    }
  }
  ShapeId id;
  if (free_shapes_.empty()) {
    id = ShapeId{static_cast<std::uint32_t>(shapes.size())};
    shapes.push_back(std::move(s));
  } else {
    id = free_shapes_.back();
    free_shapes_.pop_back();
    shapes[id.value] = std::move(s);
  }
  shape_by_key_[key] = id;
  return id;
}

// Templates come and go; those that no pod has are kept for a while, then dropped.
void World::sweep_shapes() {
  constexpr std::size_t keep = 4096;
  if (shape_by_key_.size() <= keep) return;
  for (auto it = shape_by_key_.begin(); it != shape_by_key_.end();) {
    if (shapes[it->second.value].pods == 0) {
      free_shapes_.push_back(it->second);
      it = shape_by_key_.erase(it);
    } else {
      ++it;
    }
  }
}

Result<std::uint64_t> World::device_mask(const model::Pod& noun, NodeId n) const {
  std::uint64_t mask = 0;
  for (const auto& d : noun.devices) {
    std::int64_t count = n.is_none() ? 64 : node(n).device_count;
    if (d.index < 0 || d.index >= count)
      return invalid(fmt::format("pod \"{}/{}\": device {} is not among the {} of node \"{}\"", noun.ns, noun.name,
                                 d.index, count, noun.node));
    mask |= std::uint64_t{1} << d.index;
  }
  return mask;
}

void World::take_placement(PodId p, const model::Pod& noun, std::uint64_t mask) {
  PodRow& row = pod(p);
  bool promised = noun.state == PodState::Pipelined;
  bool holds = model::holds_resources(noun.state);
  row.state = promised ? PodState::Pending : noun.state;
  row.promised_node = {}, row.promised_devices = 0, row.asked_promised = false;
  row.node = {}, row.devices = 0, row.unassigned = false;
  row.node_name = holds || promised ? noun.node : "";
  if (row.node_name.empty()) return;
  NodeId n = find_node(row.node_name);
  if (promised) {
    row.promised_node = n, row.promised_devices = mask, row.asked_promised = !n.is_none();
    return;
  }
  row.devices = mask;
  row.node = n;
  bool arrived = noun.state == PodState::Bound || noun.state == PodState::Running;
  if (arrived && !row.job.is_none()) job(row.job).bind_failures = 0, job(row.job).retry_at = 0;
  if (n.is_none()) homeless_[row.node_name].push_back(p);
  row.unassigned = mask == 0 && shape(row.shape).gpu().devices > 0;
  if (row.unassigned && !n.is_none()) unassigned_.push_back(p);
}

void World::attach_pod(PodId p) {
  PodRow& row = pod(p);
  if (row.job.is_none()) return;
  row.group = group_for(row.job, row.sub_group);
  job(row.job).pods.push_back(p);
  group(row.group).pods.push_back(p);
  group(row.group).sorted = false;
}

// A pod on a node that is not known no longer waits for it.
void World::leave_home(PodId p) {
  const PodRow& row = pod(p);
  if (row.node_name.empty() || !row.node.is_none()) return;
  auto it = homeless_.find(row.node_name);
  if (it == homeless_.end()) return;
  std::erase(it->second, p);
  if (it->second.empty()) homeless_.erase(it);
}

// Whether the pod is told again with nothing but its state and place changed.
bool World::moves_only(const PodRow& row, const model::Pod& noun, ShapeId s) const {
  return !noun.foreign && !row.foreign && row.shape == s && !row.job.is_none() && job(row.job).noun.ns == noun.ns &&
         job(row.job).noun.name == noun.gang && row.sub_group == noun.sub_group && row.order == noun.order &&
         row.created == noun.created && row.uid == noun.uid && row.labels == noun.labels;
}

void World::detach_pod(PodId p) {
  PodRow& row = pod(p);
  leave_home(p);
  if (row.job.is_none()) return;
  std::erase(job(row.job).pods, p);
  std::erase(group(row.group).pods, p);
  row.group = {};
}

Result<void> World::upsert(const model::Pod& noun) {
  if (noun.name.empty()) return invalid("pod without a name");
  const auto& c = noun.constraints;
  if (c.cpu < 0 || c.memory < 0 || c.gpu.devices < 0)
    return invalid(fmt::format("pod \"{}/{}\" asks for less than nothing", noun.ns, noun.name));
  if (!noun.foreign && noun.gang.empty())
    return invalid(fmt::format("pod \"{}/{}\" names no gang", noun.ns, noun.name));
  NodeId n = noun.node.empty() ? NodeId{} : find_node(noun.node);
  std::uint64_t mask = TRY(device_mask(noun, n));
  ShapeId s = intern(c, noun.ns);
  PodId p = find_pod(noun.ns, noun.name);
  if (!p.is_none() && moves_only(pod(p), noun, s)) {
    account(p, -1);
    leave_home(p);
    take_placement(p, noun, mask);
    account(p, 1);
    stay_home(pod(p).job);
    ++shares_version;
    return {};
  }
  if (p.is_none()) {
    if (free_pods_.empty()) {
      p = PodId{static_cast<std::uint32_t>(pods.size())};
      pods.emplace_back();
    } else {
      p = free_pods_.back();
      free_pods_.pop_back();
      pod(p) = {};
    }
    pod_by_key_[noun.ns + "/" + noun.name] = p;
    PodRow& row = pod(p);
    row.live = true, row.ns = noun.ns, row.name = noun.name;
  } else {
    account(p, -1);
    detach_pod(p);
    --shapes[pod(p).shape.value].pods, ++shapes_version;
  }
  JobId old = pod(p).job;
  PodRow& row = pod(p);
  if (row.labels != noun.labels || row.terms.empty()) row.terms = domains.matching(noun.ns, noun.labels);
  row.labels = noun.labels;
  row.budgets = budgets_of(row);
  row.uid = noun.uid, row.sub_group = noun.sub_group, row.foreign = noun.foreign;
  row.order = noun.order, row.created = noun.created, row.shape = s;
  row.job = noun.foreign ? JobId{} : job_for_pod(noun.ns, noun.gang);
  ++shapes[s.value].pods, ++shapes_version;
  take_placement(p, noun, mask);
  attach_pod(p);
  account(p, 1);
  stay_home(row.job);
  if (!old.is_none() && old != row.job) refresh_guarded(old), drop_job_if_empty(old);
  if (noun.foreign) nodes_dirty_ = true;
  ++shares_version;
  return {};
}

Result<void> World::fail_bind(const std::string& ns, const std::string& name, const std::string& reason) {
  PodId p = find_pod(ns, name);
  if (p.is_none()) return not_found(fmt::format("bind of pod \"{}/{}\" failed, but there is no such pod", ns, name));
  account(p, -1);
  leave_home(p);
  PodRow& row = pod(p);
  row.state = PodState::Pending;
  row.node = {}, row.devices = 0, row.node_name.clear(), row.unassigned = false;
  account(p, 1);
  ++shares_version;
  if (row.job.is_none()) return {};
  JobRow& owner = job(row.job);
  // Members of one gang fail together: one step of back-off for all of them.
  if (owner.retry_at > now.ms && owner.bind_reason == reason) return {};
  owner.bind_failures = owner.bind_reason == reason ? owner.bind_failures + 1 : 1;
  owner.bind_reason = reason;
  std::int64_t wait = 1000LL << std::min(owner.bind_failures - 1, 9);
  owner.retry_at = now.ms + std::min<std::int64_t>(wait, 300'000);
  mark_changed(row.job);
  return {};
}

void World::remove_pod(const std::string& ns, const std::string& name) {
  PodId p = find_pod(ns, name);
  if (p.is_none()) return;
  account(p, -1);
  detach_pod(p);
  JobId j = pod(p).job;
  if (pod(p).foreign) nodes_dirty_ = true;
  --shapes[pod(p).shape.value].pods, ++shapes_version;
  pod_by_key_.erase(ns + "/" + name);
  pod(p) = {};
  free_pods_.push_back(p);
  if (!j.is_none()) refresh_guarded(j), drop_job_if_empty(j);
  ++shares_version;
}

}  // namespace muster::sched
