// Allocate: the next queue, its next job, all of its batch or nothing. What fits only on resources that are being
// released is nominated and decided again in the next round. A job that the last round nominated comes first, so that
// what was freed for it is not taken by another.

#include <algorithm>

#include "sched/act/limits.h"
#include "sched/act/place.h"
#include "sched/act/turn.h"
#include "sched/order/rules.h"
#include "sched/order/serving.h"
#include "sched/order/signature.h"

namespace muster::sched::act {

namespace {

// Where a surplus pod or a sub-group that could be another's choice finds no place, the others are tried.
bool place_some(Turn& turn, JobId j) {
  World& world = turn.world;
  std::vector<GroupId> without;
  std::vector<ShapeId> unlike;
  for (;;) {
    order::Batch batch = order::next_batch(world, j, without, unlike);
    if (batch.empty()) return false;
    const ShapeId shape = world.pod(batch.pods.front()).shape;
    const bool one_of_many =
        !batch.core && batch.pods.size() == 1 && std::find(unlike.begin(), unlike.end(), shape) == unlike.end();
    if (breach(world, j, batch)) {
      if (!one_of_many) return false;
      unlike.push_back(shape);
      continue;
    }
    std::string needs = order::signature(world, j, batch);
    bool known_hopeless = !needs.empty() && turn.hopeless.contains(needs);
    if (!known_hopeless && place(world, j, batch, {.action = model::Action::Allocate})) return true;
    if (!needs.empty()) turn.hopeless.insert(needs);
    if (one_of_many) {
      unlike.push_back(shape);
      continue;
    }
    if (batch.optional.empty()) return false;
    without.insert(without.end(), batch.optional.begin(), batch.optional.end());
  }
}

// Whether the next batch was nominated in the last round, all of it.
bool is_claimed(const World& world, const order::Batch& batch) {
  return !batch.empty() &&
         std::all_of(batch.pods.begin(), batch.pods.end(), [&](PodId p) { return !world.pod(p).claim.is_none(); });
}

// What was nominated goes where it was nominated to; false when something of it no longer fits there.
bool place_claims(Turn& turn, JobId j) {
  World& world = turn.world;
  for (;;) {
    order::Batch batch = order::next_batch(world, j);
    if (!is_claimed(world, batch)) return true;
    if (breach(world, j, batch) || !place(world, j, batch, {.action = model::Action::Allocate, .as_claimed = true}))
      return false;
  }
}

// More important jobs of the same queue that came after this one was nominated, by the queue's order: what was freed
// for the queue is theirs if they can use it.
void place_late_comers(Turn& turn, JobId j) {
  const World& world = turn.world;
  const JobRow& job = world.job(j);
  std::vector<JobId> late;
  for (order::ClassIndex c : turn.lines.leaf(job.queue).classes)
    for (const order::Standing& other : turn.lines.waiting(c).jobs) {
      if (other.priority <= job.noun.priority) break;
      if (other.created > job.claimed_at && is_candidate(turn, other.job)) late.push_back(other.job);
    }
  std::sort(late.begin(), late.end(), [&](JobId a, JobId b) { return order::compare_jobs(world, a, b) < 0; });
  for (JobId other : late) place_some(turn, other);
}

// Jobs of the pool that were nominated, longest ago first.
std::vector<JobId> claimants(const Turn& turn, PoolId pool) {
  const World& world = turn.world;
  std::vector<JobId> out;
  for (JobId j : turn.lines.claimants())
    if (world.queue(world.job(j).queue).pool == pool && is_candidate(turn, j)) out.push_back(j);
  std::sort(out.begin(), out.end(), [&](JobId a, JobId b) {
    const JobRow &x = world.job(a), &y = world.job(b);
    if (x.claimed_at != y.claimed_at) return x.claimed_at < y.claimed_at;
    if (x.queue != y.queue) return world.queue(x.queue).rank < world.queue(y.queue).rank;
    return order::compare_jobs(world, a, b) < 0;
  });
  return out;
}

// All of them where they were nominated to, before one that lost its place takes another's.
void serve_claimants(Turn& turn, PoolId pool) {
  std::vector<JobId> homeless;
  for (JobId j : claimants(turn, pool)) {
    place_late_comers(turn, j);
    if (!place_claims(turn, j)) homeless.push_back(j);
  }
  for (JobId j : homeless) place_some(turn, j);
}

}  // namespace

void allocate(Turn& turn) {
  World& world = turn.world;
  turn.hopeless.clear();
  for (std::uint32_t i = 0; i < world.pools.size(); ++i) {
    turn.lines.refresh();
    serve_claimants(turn, PoolId{i});
    turn.lines.refresh();
    order::Serving serving(world, turn.lines, PoolId{i}, [&](JobId j) { return is_candidate(turn, j); });
    for (JobId j = serving.next(); !j.is_none(); j = serving.next())
      place_some(turn, j) ? serving.placed() : serving.failed();
  }
}

}  // namespace muster::sched::act
