// Allocate: the next queue, its next job, all of its batch or nothing. What fits only on resources that are being
// released is nominated and decided again in the next round. A job that the last round nominated comes first, unless
// its own queue has a more important one, so that what was freed for it is not taken by another.

#include <algorithm>

#include "sched/act/limits.h"
#include "sched/act/place.h"
#include "sched/act/turn.h"
#include "sched/order/rules.h"
#include "sched/order/walk.h"

namespace muster::sched::act {

namespace {

// Where a sub-group that could be another's choice finds no place, the others are tried.
bool place_some(Turn& turn, JobId j) {
  World& world = turn.world;
  std::vector<GroupId> without;
  for (;;) {
    order::Batch batch = order::next_batch(world, j, without);
    if (batch.empty() || breach(world, j, batch)) return false;
    std::string needs = signature(world, j, batch);
    bool known_hopeless = !needs.empty() && turn.hopeless.contains(needs);
    if (!known_hopeless && place(world, j, batch, {.action = model::Action::Allocate})) return true;
    if (!needs.empty()) turn.hopeless.insert(needs);
    if (batch.optional.empty()) return false;
    without.insert(without.end(), batch.optional.begin(), batch.optional.end());
  }
}

bool has_claim(const World& world, JobId j) {
  for (PodId p : world.job(j).pods)
    if (!world.pod(p).claim.is_none()) return true;
  return false;
}

// Jobs that were nominated and are not outranked in their own queue.
std::vector<JobId> claimants(Turn& turn, const std::vector<JobId>& jobs) {
  World& world = turn.world;
  std::vector<JobId> out;
  for (JobId j : jobs) {
    if (!world.job(j).claims || !has_claim(world, j)) continue;
    bool outranked = std::any_of(jobs.begin(), jobs.end(), [&](JobId other) {
      return world.job(other).queue == world.job(j).queue &&
             world.job(other).noun.priority > world.job(j).noun.priority;
    });
    if (!outranked) out.push_back(j);
  }
  std::sort(out.begin(), out.end(), [&](JobId a, JobId b) {
    const JobRow &x = world.job(a), &y = world.job(b);
    if (x.claimed_round != y.claimed_round) return x.claimed_round < y.claimed_round;
    if (x.queue != y.queue) return world.queue(x.queue).rank < world.queue(y.queue).rank;
    return order::compare_jobs(world, a, b) < 0;
  });
  return out;
}

}  // namespace

void allocate(Turn& turn) {
  World& world = turn.world;
  turn.hopeless.clear();
  for (std::uint32_t pool = 0; pool < world.pools.size(); ++pool) {
    std::vector<JobId> jobs = candidates(turn, PoolId{pool});
    for (JobId j : claimants(turn, jobs)) place_some(turn, j);
    std::erase_if(jobs, [&](JobId j) { return world.job(j).pending == 0; });
    order::Walk walk(world, jobs);
    for (JobId j = walk.pop(); !j.is_none(); j = walk.pop()) {
      if (!place_some(turn, j)) continue;
      walk.refresh(world.job(j).queue);
      if (!order::next_batch(world, j).empty()) walk.push(j);
    }
  }
}

}  // namespace muster::sched::act
