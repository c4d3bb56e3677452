#pragma once
// Fields: every noun that a decision log carries, named once, so that what is written is what is read. An archive is
// called with each field in turn.

#include "model/decision.h"
#include "sched/delta.h"

namespace muster::sched::replay {

template <class A>
void fields(A& a, Duration& v) {
  a(v.ms);
}
template <class A>
void fields(A& a, Time& v) {
  a(v.ms);
}
template <class A>
void fields(A& a, model::GpuRequest& v) {
  a(v.kind), a(v.devices), a(v.milli), a(v.memory_mib), a(v.milli_limit), a(v.memory_limit_mib), a(v.mig);
}
template <class A>
void fields(A& a, model::DeviceShare& v) {
  a(v.index), a(v.milli), a(v.memory_mib);
}
template <class A>
void fields(A& a, model::Toleration& v) {
  a(v.key), a(v.op), a(v.value), a(v.effect);
}
template <class A>
void fields(A& a, model::NodeExpression& v) {
  a(v.key), a(v.op), a(v.values);
}
template <class A>
void fields(A& a, model::PodTerm& v) {
  a(v.topology_key), a(v.labels);
}
template <class A>
void fields(A& a, model::SpreadTerm& v) {
  a(v.topology_key), a(v.max_skew), a(v.labels), a(v.hard);
}
template <class A>
void fields(A& a, model::Constraints& v) {
  a(v.gpu), a(v.cpu), a(v.memory), a(v.extended), a(v.node_selector), a(v.node_affinity), a(v.tolerations);
  a(v.pod_affinity), a(v.pod_anti_affinity), a(v.spread), a(v.host_ports), a(v.unsupported);
}
template <class A>
void fields(A& a, model::Pod& v) {
  a(v.ns), a(v.name), a(v.uid), a(v.gang), a(v.sub_group), a(v.state), a(v.node), a(v.devices), a(v.order),
      a(v.created);
  a(v.labels), a(v.foreign), a(v.constraints);
}
template <class A>
void fields(A& a, model::Device& v) {
  a(v.uuid), a(v.memory_mib), a(v.healthy), a(v.numa);
}
template <class A>
void fields(A& a, model::Taint& v) {
  a(v.key), a(v.value), a(v.effect);
}
template <class A>
void fields(A& a, model::Node& v) {
  a(v.name), a(v.pool), a(v.labels), a(v.taints), a(v.unschedulable), a(v.ready), a(v.cpu), a(v.memory), a(v.pods);
  a(v.devices), a(v.mig), a(v.mig_instances), a(v.extended);
}
template <class A>
void fields(A& a, model::QueueResource& v) {
  a(v.quota), a(v.limit), a(v.weight_milli);
}
template <class A>
void fields(A& a, model::Queue& v) {
  a(v.name), a(v.parent), a(v.display_name), a(v.pool), a(v.priority), a(v.created), a(v.gpu), a(v.cpu), a(v.memory);
  a(v.preempt_min_runtime), a(v.reclaim_min_runtime), a(v.usage_gpu_milli), a(v.classes);
}
template <class A>
void fields(A& a, model::TopologyConstraint& v) {
  a(v.topology), a(v.required), a(v.preferred);
}
template <class A>
void fields(A& a, model::SubGroup& v) {
  a(v.name), a(v.parent), a(v.min_member), a(v.min_sub_group), a(v.topology);
}
template <class A>
void fields(A& a, model::Segments& v) {
  a(v.size), a(v.required), a(v.preferred);
}
template <class A>
void fields(A& a, model::Gang& v) {
  a(v.ns), a(v.name), a(v.uid), a(v.queue), a(v.pools), a(v.priority), a(v.preemptibility), a(v.created);
  a(v.min_member), a(v.min_sub_group), a(v.topology), a(v.sub_groups), a(v.segments), a(v.stale_since);
  a(v.staleness_grace), a(v.preemption_delay), a(v.last_start), a(v.last_evicted), a(v.deleted), a(v.last_checkpoint);
}
template <class A>
void fields(A& a, Pool& v) {
  a(v.name), a(v.label_key), a(v.label_value), a(v.gpu), a(v.cpu);
}
template <class A>
void fields(A& a, Topology& v) {
  a(v.name), a(v.levels);
}
template <class A>
void fields(A& a, Budget& v) {
  a(v.name), a(v.ns), a(v.labels), a(v.max_unavailable);
}
template <class A>
void fields(A& a, Config& v) {
  a(v.gpu), a(v.cpu), a(v.devices), a(v.actions), a(v.max_consolidation_preemptees), a(v.consolidating_reclaim);
  a(v.consolidation_nodes), a(v.consolidation_walk), a(v.walk_after_refusal);
  a(v.staleness_grace), a(v.preempt_min_runtime), a(v.reclaim_min_runtime), a(v.consolidation_min_runtime),
      a(v.reclaim_min_runtime_method);
  a(v.reclaim_saturation_multiplier_milli), a(v.reclaim_for_any_excess), a(v.history_k_milli), a(v.predicates),
      a(v.pools), a(v.topologies);
  a(v.budgets), a(v.victims), a(v.surplus), a(v.restrict_scheduling);
}
template <class A>
void fields(A& a, SetConfig& v) {
  a(v.config);
}
template <class A>
void fields(A& a, UpsertQueue& v) {
  a(v.queue);
}
template <class A>
void fields(A& a, RemoveQueue& v) {
  a(v.name);
}
template <class A>
void fields(A& a, UpsertNode& v) {
  a(v.node);
}
template <class A>
void fields(A& a, RemoveNode& v) {
  a(v.name);
}
template <class A>
void fields(A& a, UpsertGang& v) {
  a(v.gang);
}
template <class A>
void fields(A& a, RemoveGang& v) {
  a(v.ns), a(v.name);
}
template <class A>
void fields(A& a, UpsertPod& v) {
  a(v.pod);
}
template <class A>
void fields(A& a, RemovePod& v) {
  a(v.ns), a(v.name);
}
template <class A>
void fields(A& a, BindFailed& v) {
  a(v.ns), a(v.pod), a(v.reason);
}
template <class A>
void fields(A& a, model::Decision& v) {
  a(v.kind), a(v.ns), a(v.pod), a(v.node), a(v.devices), a(v.action), a(v.for_gang), a(v.message);
}

}  // namespace muster::sched::replay
