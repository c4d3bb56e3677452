#pragma once
// Document: a scenario file as it stands on disk, member for member (docs/scheduling.md, api/scenario.schema.json).
// What may be a number or a quantity stays a JSON value here; scenario/read.h turns the document into the engine's
// nouns. Keys that are not members are refused.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/describe.h"
#include "base/json.h"

namespace muster::sim::document {

struct Placement {
  std::string gpu = "binpack", cpu = "binpack";
  std::optional<std::string> devices;
};
MUSTER_DESCRIBE(Placement, gpu, cpu, devices)

struct Config {
  Placement placement;
  std::optional<std::vector<std::string>> actions;
  json::Patch<std::int32_t> max_consolidation_preemptees;
  bool consolidating_reclaim = true;
  std::string staleness_grace_period = "60s";
  std::string preempt_min_runtime = "0s";
  std::string reclaim_min_runtime = "0s";
  std::string reclaim_min_runtime_method = "lca";
  double reclaim_saturation_multiplier = 1.0;
  double k = 1.0;
  bool reclaim_for_any_excess = false;
  std::string consolidation_min_runtime = "0s";
  std::string victims = "youngest";
  std::string surplus = "weight";
  bool restrict_scheduling = false;
  bool predicates = true;
};
MUSTER_DESCRIBE(Config, placement, actions, max_consolidation_preemptees, consolidating_reclaim, staleness_grace_period,
                preempt_min_runtime, reclaim_min_runtime, reclaim_min_runtime_method, reclaim_saturation_multiplier, k,
                reclaim_for_any_excess, consolidation_min_runtime, victims, surplus, restrict_scheduling, predicates)

struct Taint {
  std::string key, value, effect = "NoSchedule";
};
MUSTER_DESCRIBE(Taint, key, value, effect)

struct Mig {
  std::string strategy = "mixed";
  std::map<std::string, std::int32_t> instances;
};
MUSTER_DESCRIBE(Mig, strategy, instances)

struct Node {
  std::string name;
  std::int32_t gpus = 0;
  json::Value gpu_memory = "80Gi";
  json::Value cpu = "64";
  json::Value memory = "512Gi";
  std::int32_t pods = 110;
  std::map<std::string, std::string> labels;
  std::vector<Taint> taints;
  bool unschedulable = false;
  bool ready = true;
  std::optional<Mig> mig;
  std::map<std::string, json::Value> extended;
  std::vector<std::int32_t> numa;
};
MUSTER_DESCRIBE(Node, name, gpus, gpu_memory, cpu, memory, pods, labels, taints, unschedulable, ready, mig, extended,
                numa)

struct QueueResource {
  json::Value quota, limit;
  double weight = 1;
};
MUSTER_DESCRIBE(QueueResource, quota, limit, weight)

struct Usage {
  double gpu = 0;
};
MUSTER_DESCRIBE(Usage, gpu)

struct Queue {
  std::string name;
  std::optional<std::string> parent;
  std::int32_t priority = 100;
  std::optional<std::string> created;
  std::optional<std::string> pool;
  std::optional<QueueResource> gpu, cpu, memory;
  std::map<std::string, QueueResource> classes;
  std::optional<std::string> preempt_min_runtime, reclaim_min_runtime;
  std::optional<Usage> usage;
};
MUSTER_DESCRIBE(Queue, name, parent, priority, created, pool, gpu, cpu, memory, classes, preempt_min_runtime,
                reclaim_min_runtime, usage)

struct Topology {
  std::string name;
  std::vector<std::string> levels;
};
MUSTER_DESCRIBE(Topology, name, levels)

struct PoolPlacement {
  std::optional<std::string> gpu, cpu;
};
MUSTER_DESCRIBE(PoolPlacement, gpu, cpu)

struct Pool {
  std::string name;
  std::vector<std::string> label;
  std::optional<PoolPlacement> placement;
};
MUSTER_DESCRIBE(Pool, name, label, placement)

struct Budget {
  std::string name;
  std::optional<std::string> namespace_;
  std::map<std::string, std::string> labels;
  std::int32_t max_unavailable = 0;
};
MUSTER_DESCRIBE(Budget, name, namespace_, labels, max_unavailable)

struct TopologyConstraint {
  std::string name;
  std::optional<std::string> required, preferred;
};
MUSTER_DESCRIBE(TopologyConstraint, name, required, preferred)

struct SubGroup {
  std::string name;
  std::optional<std::string> parent;
  std::optional<std::int32_t> min_member, min_sub_group;
  std::optional<TopologyConstraint> topology;
};
MUSTER_DESCRIBE(SubGroup, name, parent, min_member, min_sub_group, topology)

struct Segments {
  std::int32_t size = 0;
  std::optional<std::string> required, preferred;
};
MUSTER_DESCRIBE(Segments, size, required, preferred)

struct Request {
  std::int32_t gpu = 0;
  std::optional<double> gpu_fraction;
  json::Value gpu_memory;
  std::optional<std::int32_t> gpu_devices;
  std::optional<double> gpu_fraction_limit;
  json::Value gpu_memory_limit;
  std::map<std::string, std::int32_t> mig;
  json::Value cpu, memory;
  std::map<std::string, json::Value> extended;
};
MUSTER_DESCRIBE(Request, gpu, gpu_fraction, gpu_memory, gpu_devices, gpu_fraction_limit, gpu_memory_limit, mig, cpu,
                memory, extended)

struct NodeExpression {
  std::string key, op = "In";
  std::vector<std::string> values;
};
MUSTER_DESCRIBE(NodeExpression, key, op, values)

struct Toleration {
  std::string key, op = "Equal", value, effect;
};
MUSTER_DESCRIBE(Toleration, key, op, value, effect)

struct PodTerm {
  std::string topology_key;
  std::map<std::string, std::string> labels;
};
MUSTER_DESCRIBE(PodTerm, topology_key, labels)

struct SpreadTerm {
  std::string topology_key;
  std::int32_t max_skew = 1;
  std::map<std::string, std::string> labels;
  bool hard = true;
};
MUSTER_DESCRIBE(SpreadTerm, topology_key, max_skew, labels, hard)

struct Pod {
  std::int32_t count = 1;
  std::string state = "Pending";
  std::optional<std::string> node;
  std::vector<std::string> gpu_groups;
  std::optional<std::string> sub_group;
  std::optional<std::int32_t> order;
  Request request;
  std::map<std::string, std::string> node_selector;
  std::vector<std::vector<NodeExpression>> node_affinity;
  std::vector<Toleration> tolerations;
  std::map<std::string, std::string> labels;
  std::vector<PodTerm> pod_affinity, pod_anti_affinity;
  std::vector<SpreadTerm> topology_spread;
  std::vector<std::int32_t> host_ports;
  std::vector<std::string> claims;
  bool foreign = false;
};
MUSTER_DESCRIBE(Pod, count, state, node, gpu_groups, sub_group, order, request, node_selector, node_affinity,
                tolerations, labels, pod_affinity, pod_anti_affinity, topology_spread, host_ports, claims, foreign)

struct Job {
  std::string name;
  std::optional<std::string> namespace_;
  std::string queue;
  std::vector<std::string> pools;
  std::int32_t priority = 50;
  std::optional<std::string> preemptibility;
  std::optional<std::string> created;
  std::optional<std::int32_t> min_member, min_sub_group;
  std::optional<TopologyConstraint> topology;
  std::vector<SubGroup> sub_groups;
  std::optional<Segments> segments;
  std::optional<std::string> stale_since, staleness_grace_period;
  std::string preemption_delay = "0s";
  std::optional<std::string> last_start, last_checkpoint;
  bool deleted = false;
  std::vector<Pod> pods;
};
MUSTER_DESCRIBE(Job, name, namespace_, queue, pools, priority, preemptibility, created, min_member, min_sub_group,
                topology, sub_groups, segments, stale_since, staleness_grace_period, preemption_delay, last_start,
                last_checkpoint, deleted, pods)

struct Add {
  std::vector<Node> nodes;
  std::vector<Queue> queues;
  std::vector<Job> jobs;
};
MUSTER_DESCRIBE(Add, nodes, queues, jobs)

struct Remove {
  std::vector<std::string> nodes, queues, jobs, pods;
};
MUSTER_DESCRIBE(Remove, nodes, queues, jobs, pods)

struct Set {
  std::string set, field;
  json::Value to;
};
MUSTER_DESCRIBE(Set, set, field, to)

struct Step {
  std::int32_t round = 0;
  Add add;
  Remove remove;
  std::vector<Set> set;
};
MUSTER_DESCRIBE(Step, round, add, remove, set)

struct Run {
  std::optional<std::string> action;
  std::int32_t rounds = 2;
  std::int32_t stable_rounds = 5;
  double seconds_per_round = 1;
  std::vector<Step> steps;
};
MUSTER_DESCRIBE(Run, action, rounds, stable_rounds, seconds_per_round, steps)

struct ExpectPods {
  std::optional<std::string> state;
  json::Value node;
  std::optional<double> gpus;
};
MUSTER_DESCRIBE(ExpectPods, state, node, gpus)

struct ExpectNode {
  std::optional<double> idle_gpus, releasing_gpus;
};
MUSTER_DESCRIBE(ExpectNode, idle_gpus, releasing_gpus)

struct Together {
  std::string label;
  std::vector<std::string> pods;
};
MUSTER_DESCRIBE(Together, label, pods)

struct AtMost {
  std::optional<std::int32_t> binds, evictions, pipelines;
};
MUSTER_DESCRIBE(AtMost, binds, evictions, pipelines)

struct ExpectShare {
  json::Value gpu, cpu, memory;
};
MUSTER_DESCRIBE(ExpectShare, gpu, cpu, memory)

struct ExpectVerdict {
  std::string reason;
  std::optional<std::string> queue;
  std::map<std::string, double> numbers;
};
MUSTER_DESCRIBE(ExpectVerdict, reason, queue, numbers)

struct Expect {
  std::map<std::string, ExpectPods> pods, jobs;
  std::map<std::string, ExpectNode> nodes;
  std::vector<std::vector<std::string>> shared_gpus;
  std::vector<Together> together;
  std::vector<std::string> ties;
  AtMost at_most;
  std::map<std::string, ExpectShare> fair_share;
  std::map<std::string, json::Value> verdicts;  // ExpectVerdict, or null: the job does not wait
};
MUSTER_DESCRIBE(Expect, pods, jobs, nodes, shared_gpus, together, ties, at_most, fair_share, verdicts)

struct Scenario {
  std::string name, about;
  Config config;
  std::vector<Node> nodes;
  std::vector<Queue> queues;
  std::vector<Topology> topologies;
  std::vector<Pool> pools;
  std::vector<Budget> budgets;
  std::vector<Job> jobs;
  Run run;
  Expect expect;
};
MUSTER_DESCRIBE(Scenario, name, about, config, nodes, queues, topologies, pools, budgets, jobs, run, expect)

}  // namespace muster::sim::document
