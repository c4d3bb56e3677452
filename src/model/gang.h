#pragma once
// Gang: pods that are placed together or not at all (a pod group; `job` in scenario files). Product rules 1.11, 2.2.1.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/priority.h"

namespace muster::model {

struct TopologyConstraint {
  std::string topology;
  std::string required, preferred;  // node label of a level; "" = none
  friend bool operator==(const TopologyConstraint&, const TopologyConstraint&) = default;
};

struct SubGroup {
  std::string name;
  std::string parent;                         // "" = directly below the gang
  std::optional<std::int32_t> min_member;     // leaves
  std::optional<std::int32_t> min_sub_group;  // inner nodes
  std::optional<TopologyConstraint> topology;
  friend bool operator==(const SubGroup&, const SubGroup&) = default;
};

struct Segments {
  std::int32_t size = 0;
  std::string required, preferred;
  friend bool operator==(const Segments&, const Segments&) = default;
};

struct Gang {
  std::string ns = "default";
  std::string name;
  std::string uid;
  std::string queue;
  std::vector<std::string> pools;  // ordered; empty = the queue's pool
  std::int32_t priority = 50;
  std::optional<Preemptibility> preemptibility;  // nullopt: by priority
  Time created;
  std::optional<std::int32_t>
      min_member;  // nullopt without sub-groups: all its pods (a strict gang); 0: every pod on its own
  std::optional<std::int32_t> min_sub_group;
  std::optional<TopologyConstraint> topology;
  std::vector<SubGroup> sub_groups;
  std::optional<Segments> segments;
  std::optional<Time> stale_since;
  std::optional<Duration> staleness_grace;  // nullopt: the configuration's; negative: never
  Duration preemption_delay;
  std::optional<Time> last_start;       // when it last got its resources
  std::optional<Time> last_evicted;     // when it last lost them
  std::optional<Time> last_checkpoint;  // up to when its work is kept if it has to give way
  bool deleted = false;                 // going away: not requeued after its pods are released
  friend bool operator==(const Gang&, const Gang&) = default;
};

}  // namespace muster::model
