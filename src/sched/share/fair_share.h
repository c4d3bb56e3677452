#pragma once
// Fair shares of all queues: each pool's capacity divided from the top of its tree downwards, resource by resource.

#include "sched/state/world.h"

namespace muster::sched::share {

// Writes QueueRow::fair_share of every queue. Requires: the world is settled.
void divide_all(World& world);

// What the queue may hold before others may take from it: max(quota, fair share), at most its limit; `unlimited` when
// its quota is.
std::int64_t allocatable(const QueueRow& queue, int resource);

// What the pool has for queues: usable nodes less pods of other schedulers.
model::Resources capacity(const PoolRow& pool);

// The top queues of the pool, oldest first.
std::vector<QueueId> top_queues(const World& world, PoolId pool);

}  // namespace muster::sched::share
