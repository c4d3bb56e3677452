#pragma once
// Turn: one round in the making. What the actions share: the world, the time, who may be tried, what has failed.

#include <map>
#include <span>
#include <string>
#include <unordered_set>

#include "sched/order/lines.h"
#include "sched/state/world.h"

namespace muster::sched::act {

struct Turn {
  World& world;
  order::Lines& lines;
  Time now;
  // Batches that found no place in this action, by what they need; jobs that need the same are not tried again.
  std::unordered_set<std::string> hopeless;
  // Questions that a search answered with no in this action, since somebody last gave way.
  std::unordered_set<std::string> in_vain = {};
  // Nodes that a consolidation cannot empty for pods of so many devices, as was found in this round.
  std::map<std::pair<PoolId, std::int32_t>, NodeSet> stuck = {};
};

// Neither going away nor backing off.
bool is_candidate(const Turn& turn, JobId j);

// The actions in the order given.
void run_actions(Turn& turn, std::span<const model::Action> actions);
void allocate(Turn& turn);
void consolidate(Turn& turn);
void reclaim(Turn& turn);
void preempt(Turn& turn);
void end_stale_gangs(Turn& turn);
Duration grace_of(const World& world, JobId j);

}  // namespace muster::sched::act
