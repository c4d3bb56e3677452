#pragma once
// Pod: one process or container group that waits, holds devices of one node, or is going away.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/gpu_request.h"

namespace muster::model {

// What a pod holds or is nominated for on one device.
struct DeviceShare {
  std::int32_t index = 0;       // on its node
  std::int32_t milli = 1000;    // thousandths of the device
  std::int64_t memory_mib = 0;  // of the device; 0 = in proportion to milli
  friend bool operator==(const DeviceShare&, const DeviceShare&) = default;
};

struct Toleration {
  std::string key, op = "Equal", value, effect;  // empty key with Exists = all; empty effect = all
  friend bool operator==(const Toleration&, const Toleration&) = default;
};

struct NodeExpression {
  std::string key, op;  // In NotIn Exists DoesNotExist Gt Lt
  std::vector<std::string> values;
  friend bool operator==(const NodeExpression&, const NodeExpression&) = default;
};

struct PodTerm {
  std::string topology_key;
  std::map<std::string, std::string> labels;
  friend bool operator==(const PodTerm&, const PodTerm&) = default;
};

struct SpreadTerm {
  std::string topology_key;
  std::int32_t max_skew = 1;
  std::map<std::string, std::string> labels;
  bool hard = true;
  friend bool operator==(const SpreadTerm&, const SpreadTerm&) = default;
};

// What of a pod decides where it may go. Pods of one template have equal constraints; the engine interns them as one
// shape.
struct Constraints {
  GpuRequest gpu;
  std::int64_t cpu = 0;     // milli-cores
  std::int64_t memory = 0;  // bytes
  std::map<std::string, std::int64_t> extended;
  std::map<std::string, std::string> node_selector;
  std::vector<std::vector<NodeExpression>> node_affinity;  // terms OR, expressions AND; empty = any
  std::vector<Toleration> tolerations;
  std::vector<PodTerm> pod_affinity, pod_anti_affinity;
  std::vector<SpreadTerm> spread;
  std::vector<std::int32_t> host_ports;
  std::vector<std::string> unsupported;  // what it asks that no node can be given for, in words; never placed
  friend bool operator==(const Constraints&, const Constraints&) = default;
};

enum class PodState {
  Pending,    // waits
  Gated,      // not to be placed yet; not counted
  Allocated,  // decided, binding not begun
  Pipelined,  // nominated on resources that are being released or moved
  Binding,    // binding under way
  Bound,      // bound, not started
  Running,
  Releasing,  // holds its resources and offers them to pods that wait
  StuckInReleasing,
  Succeeded,
  Failed,
};

std::string_view to_text(PodState state);
bool parse(std::string_view text, PodState& out);
// Allocated, Binding, Bound, Running, Releasing, StuckInReleasing.
bool holds_resources(PodState state);

// Of Constraints::unsupported.
inline constexpr std::string_view device_claims = "device claims (DRA) are not supported";
inline constexpr std::string_view selector_operators = "a pod affinity's selector is not supported";

struct Pod {
  std::string ns = "default";
  std::string name;
  std::string uid;
  std::string gang;       // name of its gang in the same namespace; "" with foreign
  std::string sub_group;  // leaf of the gang's tree; "" = the only one
  PodState state = PodState::Pending;
  std::string node;  // "" = none
  std::vector<DeviceShare> devices;
  std::int32_t order = 0;  // label kai.scheduler/task-priority: higher first
  Time created;
  std::map<std::string, std::string> labels;
  bool foreign = false;  // another scheduler's pod: holds resources of its node, belongs to no queue, is never touched
  Constraints constraints;
  friend bool operator==(const Pod&, const Pod&) = default;
};

}  // namespace muster::model
