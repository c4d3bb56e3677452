#pragma once
// Obstacle: what stands between a job that passes every check of its queue and a place: the resources, the topology,
// its own fair share, or the victims' rights. Finds out by taking everything away that could be taken, in a what-if.

#include "model/verdict.h"
#include "sched/act/turn.h"

namespace muster::sched::explain {

// The batch of a job that was tried and found no place.
model::Verdict obstacle(act::Turn& turn, JobId j, const order::Batch& batch);

}  // namespace muster::sched::explain
