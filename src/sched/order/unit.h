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

// Whether the pod can be taken: it holds resources and was not placed in this very round.
bool is_evictable(const World& world, PodId p);
// Empty when the job has nothing more to give. `surplus_only`: its minimum is protected.
Unit next_unit(World& world, JobId j, bool surplus_only);

}  // namespace muster::sched::order
