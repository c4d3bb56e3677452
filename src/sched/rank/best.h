#pragma once
// Best: of the places where a pod fits, the one that the ladder of product rule 1.12.3 prefers. Compared term by term,
// larger terms first; the last tie goes to the node's name.

#include <optional>
#include <vector>

#include "sched/fit/fit.h"

namespace muster::sched::rank {

struct Spot {
  NodeId node;
  std::uint64_t devices = 0;
  bool now = false;
};

// What speaks for a node beyond the node itself.
struct Wishes {
  const NodeSet* within = nullptr;  // only these nodes
  NodeId nominated;                 // where it was nominated before
  std::uint64_t nominated_devices = 0;
  bool nominated_only = false;                          // there, on these devices, or nowhere
  const std::vector<std::int32_t>* topology = nullptr;  // by node id, larger is better
  bool now_only = false;
  NodeId again;                           // where the best place of an equal pod was a moment ago, which is there now
  std::optional<Placement> gpu, devices;  // other than the pool's, to find a place at all
  std::int64_t most_share = INT64_MAX;    // thousandths that a memory request may take of each device
};

std::optional<Spot> best_spot(World& world, PodId p, PoolId pool, const Wishes& wishes);

}  // namespace muster::sched::rank
