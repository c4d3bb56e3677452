#pragma once
// Unit: what a running job gives up in one step: one surplus pod, one surplus sub-group, or, when it is at its minimum,
// everything it has.

#include <vector>

#include "sched/state/world.h"

namespace muster::sched::order {

struct Unit {
  JobId job;
  std::vector<PodId> pods;
  bool core = false;
  bool empty() const { return pods.empty(); }
};

// What was placed in this very round is spared by its actions, and counted by explanations of the next one.
enum class Fresh { Spare, Take };

// Whether the pod holds resources that can be taken.
bool is_evictable(const World& world, PodId p, Fresh fresh = Fresh::Spare);
// Empty when the job has nothing more to give. `surplus_only`: its minimum is protected.
Unit next_unit(World& world, JobId j, bool surplus_only, Fresh fresh = Fresh::Spare);

// Whether a disruption budget has no room for the pods to go.
bool exceeds_budget(const World& world, const Unit& unit);

}  // namespace muster::sched::order
