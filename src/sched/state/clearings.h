#pragma once
// Clearings: how few pods would have to leave a node so that one more pod of so many whole devices finds room there.
// Nodes stand by that number as bits; only nodes that changed are looked at again. A lower bound: whether the pods may
// leave, and whether other resources suffice, is not asked.

#include <cstdint>
#include <map>
#include <vector>

#include "sched/state/ids.h"
#include "sched/state/node_set.h"

namespace muster::sched {

class World;

// What a pod on one device counts on it; a pod on several counts its part on each.
inline constexpr std::int32_t whole_burden = 840;
// What a pod counts that does not leave: it was promised its place, or is not ours to move.
inline constexpr std::int32_t fixed_burden = 1 << 20;

class Clearings {
 public:
  static constexpr std::size_t never = 33;   // too few devices, however many pods leave
  static constexpr std::size_t levels = 34;  // 32: so many or more

  // Nodes of the pool at each level, for pods of so many devices. Holds until the world changes.
  const std::vector<NodeSet>& of(World& world, PoolId pool, std::int32_t devices);
  // Pods that have to leave, at the least, before `count` pods of the class find a place; INT64_MAX: they never do.
  std::int64_t fewest(World& world, PoolId pool, const NodeSet& klass, std::int32_t devices, std::int64_t count);
  // The node's devices or who holds them changed.
  void stir(NodeId n) {
    if (n.value >= stirred_.size()) stirred_.resize(n.value + 1);
    if (stirred_[n.value]) return;
    stirred_[n.value] = true;
    list_.push_back(n);
  }

 private:
  struct Table {
    std::vector<NodeSet> nodes;        // by level
    std::vector<std::uint8_t> levels;  // by node
  };
  void refresh(World& world);
  void place(const World& world, Table& table, PoolId pool, std::int32_t devices, NodeId n);

  std::map<std::pair<PoolId, std::int32_t>, Table> tables_;
  std::vector<bool> stirred_;
  std::vector<NodeId> list_;
  std::uint64_t nodes_version_ = 0;
  std::vector<std::int32_t> burdens_;  // scratch
};

}  // namespace muster::sched
