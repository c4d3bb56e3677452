#include "sched/act/place.h"

#include "sched/act/limits.h"

namespace muster::sched::act {

namespace {

bool place_pod(World& world, PodId p, PoolId pool, const Placing& how) {
  rank::Wishes wishes;
  wishes.within = how.within;
  wishes.nominated = world.pod(p).claim;
  auto spot = rank::best_spot(world, p, pool, wishes);
  if (!spot) return false;
  if (spot->now && !how.promise_only) {
    world.bind(p, spot->node, spot->devices, how.action);
  } else {
    world.promise(p, spot->node, spot->devices, how.action, how.for_job);
  }
  return true;
}

// A gang starts as one: when some of its minimum has to wait, all that was just placed waits.
void hold_back(World& world, const order::Batch& batch, const Placing& how) {
#ifdef MUSTER_FAULT_BREAK_GANG
  if (batch.pods.size() > 2) return;
#endif
  bool waits = false;
  for (PodId p : batch.pods) waits = waits || !world.pod(p).promised_node.is_none();
  if (!waits) return;
  for (PodId p : batch.pods) {
    const PodRow& row = world.pod(p);
    if (!row.promised_node.is_none()) continue;
    NodeId n = row.node;
    std::uint64_t mask = row.devices;
    world.unbind(p);
    world.promise(p, n, mask, how.action, how.for_job);
  }
}

}  // namespace

bool place(World& world, JobId j, const order::Batch& batch, const Placing& how) {
  auto mark = world.log.mark();
  PoolId pool = world.queue(world.job(j).queue).pool;
  bool ok = !batch.empty();
  for (PodId p : batch.pods) {
    ok = ok && place_pod(world, p, pool, how);
    if (!ok) break;
  }
  if (ok && !how.over_limit && is_breached(world, j)) ok = false;
  if (!ok) {
    world.log.rollback(mark);
    return false;
  }
  hold_back(world, batch, how);
  world.log.keep(mark);
  return true;
}

}  // namespace muster::sched::act
