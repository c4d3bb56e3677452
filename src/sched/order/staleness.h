#pragma once
// Staleness: a gang that runs with fewer pods than its minimum although none has succeeded (product rule 1.11.4).

#include "sched/state/world.h"

namespace muster::sched::order {

bool is_stale(const World& world, JobId j);

}  // namespace muster::sched::order
