#pragma once
// Place: one batch of a job onto nodes, all of it or nothing. Bound where everything fits now; nominated as a whole
// where a part of the job's minimum has to wait for resources that are being released.

#include "sched/order/batch.h"
#include "sched/rank/best.h"
#include "sched/state/world.h"

namespace muster::sched::act {

struct Placing {
  model::Action action = model::Action::Allocate;
  JobId for_job;                          // nominated for the sake of this job's search; none: for itself
  const NodeSet* within = nullptr;        // only these nodes
  bool promise_only = false;              // victims that move are nominated, never bound
  bool ignore_topology = false;           // to find out whether topology alone is in the way
  std::optional<Placement> gpu, devices;  // other than the pool's, to find a place at all
  bool as_claimed = false;                // only where the last round nominated it
  bool over_limit = false;                // they had their place already: no limit is asked again
};

// A gang starts as one: when some of its minimum, or of the batch, has to wait, all that was just placed waits.
void hold_back(World& world, JobId j, const order::Batch& batch, const Placing& how);
// On false the world is as before.
bool place(World& world, JobId j, const order::Batch& batch, const Placing& how);

}  // namespace muster::sched::act
