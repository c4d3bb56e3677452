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

// Where a sub-group that could be another's choice finds no place, the others are tried.
bool place_some(Turn& turn, JobId j) {
  World& world = turn.world;
  std::vector<GroupId> without;
  for (;;) {
    order::Batch batch = order::next_batch(world, j, without);
    if (batch.empty() || breach(world, j, batch)) return false;
    std::string needs = order::signature(world, j, batch);
    bool known_hopeless = !needs.empty() && turn.hopeless.contains(needs);
    if (!known_hopeless && place(world, j, batch, {.action = model::Action::Allocate})) return true;
    if (!needs.empty()) turn.hopeless.insert(needs);
    if (batch.optional.empty()) return false;
    without.insert(without.end(), batch.optional.begin(), batch.optional.end());
  }
}

// Jobs of the pool that were nominated, longest ago first. Where a more important job of the same queue came after
// that, the queue's own order decides: what was freed for the queue goes to it.
std::vector<JobId> claimants(Turn& turn, PoolId pool) {
  World& world = turn.world;
  std::vector<JobId> out;
  for (JobId j : turn.lines.claimants()) {
    const JobRow& job = world.job(j);
    if (world.queue(job.queue).pool != pool || !is_candidate(turn, j)) continue;
    bool outranked = false;
    for (order::ClassIndex c : turn.lines.leaf(job.queue).classes) {
      const auto& others = turn.lines.waiting(c).jobs;
      outranked =
          outranked || (others.begin()->priority > job.noun.priority && others.rbegin()->created > job.claimed_at);
    }
    if (!outranked) out.push_back(j);
  }
  std::sort(out.begin(), out.end(), [&](JobId a, JobId b) {
    const JobRow &x = world.job(a), &y = world.job(b);
    if (x.claimed_at != y.claimed_at) return x.claimed_at < y.claimed_at;
    if (x.queue != y.queue) return world.queue(x.queue).rank < world.queue(y.queue).rank;
    return order::compare_jobs(world, a, b) < 0;
  });
  return out;
}

}  // namespace

void allocate(Turn& turn) {
  World& world = turn.world;
  turn.hopeless.clear();
  for (std::uint32_t i = 0; i < world.pools.size(); ++i) {
    turn.lines.refresh();
    for (JobId j : claimants(turn, PoolId{i})) place_some(turn, j);
    turn.lines.refresh();
    order::Serving serving(world, turn.lines, PoolId{i}, [&](JobId j) { return is_candidate(turn, j); });
    for (JobId j = serving.next(); !j.is_none(); j = serving.next())
      place_some(turn, j) ? serving.placed() : serving.failed();
  }
}

}  // namespace muster::sched::act
