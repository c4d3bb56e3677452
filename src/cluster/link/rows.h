#pragma once
// Rows: what the link keeps of each object to tell the control plane about it. Decoded from the watch, nothing more
// than docs/line.md asks for.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cluster/granted.h"
#include "cluster/workloads/training.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "sched/engine.h"

namespace muster::cluster {

struct WorkloadRow {
  Training training;
  std::string queue, gang;  // gang: "ns/name" of its PodGroup
  std::int32_t priority = 50;
  bool is_preemptible = true;
  json::Array conditions;
};

struct LinkedPod {
  std::string ns, name, uid, workload_uid;  // workload_uid: of the owning Training; "" = none
  std::string phase, node;                  // phase: Kubernetes' word
  std::string queue;
  Attempt attempt;
  std::vector<Granted> granted;
  model::GpuRequest gpu;
  std::int64_t cpu = 0, memory = 0;  // milli-cores, bytes
  std::int64_t restarts = 0;         // of its container
  bool is_ours = true;
  json::Value limits;  // {"cpu": "enforced" | "not enforced", "memory": ...} or null
  std::string gpu_enforcement, device_enforcement;

  bool holds_resources() const { return !node.empty() && !attempt.has_ended(); }
};

struct LinkedNode {
  model::Node node;
  bool is_simulated = false;
  std::string runtime;
  std::int64_t cpu_capacity = 0, memory_capacity = 0;
  Time created;
  json::Array devices;  // of the annotation muster.dev/node-devices, or made up from the node
};

struct LinkedQueue {
  model::Queue queue;
  std::string project, department;
  std::optional<sched::QueueUse> use;
};

WorkloadRow decode_workload(const json::Value& training);
LinkedPod decode_linked_pod(const json::Value& pod);
LinkedNode decode_linked_node(const json::Value& node);
LinkedQueue decode_linked_queue(const json::Value& queue);

}  // namespace muster::cluster
