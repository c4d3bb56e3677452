#pragma once
// ScoreWalk: the best place in a pool that places by fragmentation, found in the order of the scores.

#include "sched/rank/best.h"
#include "sched/rank/scores.h"

namespace muster::sched::rank {

// How such a pod's nodes are ranked. Instances of a device that is cut up are packed.
Placement placement_for(const Shape& shape, const PoolRow& pool, const Wishes& wishes);

// The devices that a pod gets on a node; a share, the one whose loss others feel least, unless the config says where
// shares go.
std::optional<std::uint64_t> choose_devices(World& world, const Shape& shape, PoolId pool, NodeId n, fit::When when,
                                            const Wishes& wishes);

// Requires: the pod's placement is Fragmentation; no topology wishes, no soft spread.
std::optional<Spot> best_by_score(World& world, PodId p, PoolId pool, const Wishes& wishes);

}  // namespace muster::sched::rank
