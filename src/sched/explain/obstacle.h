#pragma once
// Obstacle: what stands between a job that passes every check of its queue and a place: the resources, the topology,
// its own fair share, or the rights of those who would have to make way.

#include <optional>

#include "model/verdict.h"
#include "sched/act/limits.h"
#include "sched/act/turn.h"
#include "sched/order/batch.h"

namespace muster::sched::explain {

// Whether the batch has a place now, limits aside. Cheap where it was tried in this round or cannot by its number.
bool finds_room(act::Turn& turn, JobId j, const order::Batch& batch);
// The limit that it would exceed there by what the devices cost; nullopt: it can start.
std::optional<act::Breach> breach_where_it_fits(World& world, JobId j, const order::Batch& batch);

// For a batch that was tried and found no place. InsufficientResources: it would not fit on empty nodes, or there is
// nobody who could be asked to make way. TopologyUnsatisfied: without its topology it would fit. ReclaimNotAllowed: its
// queue may not take from others. VictimsInsufficient: it may, but not enough.
model::Reason obstacle_of(act::Turn& turn, JobId j, const order::Batch& batch);
// The same with numbers and a sentence.
model::Verdict obstacle(act::Turn& turn, JobId j, const order::Batch& batch, model::Reason reason);

}  // namespace muster::sched::explain
