#pragma once
// The gate of reclaim, for the action itself and for verdicts.

#include <memory>
#include <optional>

#include "sched/act/turn.h"
#include "sched/act/victims.h"

namespace muster::sched::act {

// The queue would hold more than its fair share of the resource, so it may not take from others.
struct Refusal {
  QueueId queue;
  int resource = 0;
  std::int64_t fair_share = 0, allocated = 0, need = 0;
};
std::optional<Refusal> reclaim_refusal(const World& world, JobId j, const order::Batch& batch);
std::unique_ptr<VictimRule> reclaim_rule(const Turn& turn, JobId j, const model::Resources& need);

}  // namespace muster::sched::act
