#pragma once
// What other pods on a node or in its domains mean for a pod: host ports, pod affinity and anti-affinity, topology
// spread.

#include "sched/fit/fit.h"

namespace muster::sched::fit {

bool allowed_by_others(const World& world, const Guest& guest, NodeId n, When when);
// Soft topology spread: pods that match in the node's domains, fewer is better.
std::int64_t crowding(const World& world, const Shape& shape, NodeId n);

}  // namespace muster::sched::fit
