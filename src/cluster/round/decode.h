#pragma once
// Decode: Kubernetes objects -> the rows of the scheduler's view, read once from the watch. What an object does not say
// gets Kubernetes' default; what it says wrongly makes a pod that is not placed, with the reason in `problem`.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "cluster/granted.h"
#include "model/gang.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "sched/config.h"

namespace muster::cluster {

struct PodRow {
  model::Pod pod;  // state, node and gang as the object says; devices empty
  std::string resource_version;
  bool has_ended = false;         // Succeeded or Failed
  bool is_going = false;          // has a deletionTimestamp
  bool is_unschedulable = false;  // PodScheduled=False has been written
  std::vector<Granted> granted;   // muster.dev/devices
  std::string problem;            // why it cannot be scheduled at all; "" = nothing wrong
};

struct NodeRow {
  model::Node node;  // pool is filled in by the mirror
};

struct GangRow {
  model::Gang gang;
  std::string resource_version;
  std::string priority_class;     // its name; the mirror knows the values of the cluster's own classes
  std::string title;              // `workload "train-1" of project "vision"`, or "" when it comes from no workload
  bool is_unschedulable = false;  // an UnschedulableOnNodePool condition with status True has been written
};

// `schedulers`: the scheduler names that are ours; pods of other names are foreign.
PodRow decode_pod(const json::Value& object, const std::set<std::string>& schedulers);
NodeRow decode_node(const json::Value& object);
GangRow decode_gang(const json::Value& object);
model::Queue decode_queue(const json::Value& object);
sched::Topology decode_topology(const json::Value& object);
sched::Pool decode_pool(const json::Value& object);
// What a pod template asks of GPUs. Invalid with the rule that it breaks (product rule 3.3).
Result<model::GpuRequest> decode_gpu(const json::Value& pod);
// Which pool takes a node with these labels; "default" when none does.
std::string pool_of(const std::map<std::string, std::string>& labels, const std::vector<sched::Pool>& pools);

}  // namespace muster::cluster
