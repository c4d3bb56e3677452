#pragma once
// Turn: one round in the making. What the actions share: the world, the time, who may be tried, what has failed.

#include <map>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/verdict.h"
#include "sched/order/batch.h"
#include "sched/state/world.h"

namespace muster::sched::act {

struct Turn {
  World& world;
  Time now;
  // Batches that found no place in this action, by what they need; jobs that need the same are not tried again.
  std::unordered_set<std::string> hopeless;
  // Why such batches wait, by what they need and of whom.
  std::map<std::string, model::Verdict> obstacles;
};

// Pending jobs of the pool that may be tried now: known, in a leaf queue, with enough pods, not backing off.
std::vector<JobId> candidates(Turn& turn, PoolId pool);
bool is_candidate(Turn& turn, JobId j);
// What a batch needs, as bytes; "" when it cannot be compared with others (its gang already sits somewhere).
std::string signature(const World& world, JobId j, const order::Batch& batch);

// The actions in the order given.
void run_actions(Turn& turn, std::span<const model::Action> actions);
void allocate(Turn& turn);
void consolidate(Turn& turn);
void reclaim(Turn& turn);
void preempt(Turn& turn);
void end_stale_gangs(Turn& turn);
// Runs with fewer pods than its minimum, none of which succeeded.
bool is_stale(const World& world, JobId j);
Duration grace_of(const World& world, JobId j);

}  // namespace muster::sched::act
