#pragma once
// Domains: the parts of a topology in which a group may be placed, the one to try first in front: narrow before wide,
// and of equals the fullest that still holds the group (product rules 1.12.7, 1.12.8).

#include <optional>
#include <vector>

#include "sched/state/world.h"

namespace muster::sched::rank {

struct Area {
  NodeSet nodes;
  // By node: sub-domains of the preferred level with most room score highest. Empty: all nodes are alike.
  std::vector<std::int32_t> preference;
};

struct Constraint {
  const TopologyRow* topology = nullptr;
  std::int32_t required = -1, preferred = -1;  // levels; -1: none
  bool impossible = false;                     // it requires what does not exist
  bool is_none() const { return !impossible && required < 0 && preferred < 0; }
};

Constraint constraint_of(const World& world, const model::TopologyConstraint& wanted);

// Areas for the pods, inside `within` (nullptr: everywhere). `placed`: nodes where members of the group already are.
std::vector<Area> areas(const World& world, const Constraint& constraint, const std::vector<PodId>& pods, PoolId pool,
                        const NodeSet* within, const std::vector<NodeId>& placed);

}  // namespace muster::sched::rank
