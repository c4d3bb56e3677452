#pragma once
// Emptying: nodes in the order of how few pods have to leave them so that one more pod of whole devices finds room, and
// which pods these are. A consolidation that looks here first moves the least (engine: disruption is a cost).

#include <functional>
#include <optional>
#include <vector>

#include "sched/act/turn.h"

namespace muster::sched::act {

class Emptying {
 public:
  // `most`: how many nodes are looked at. `may`: whether a pod may be asked to leave.
  Emptying(Turn& turn, ShapeId shape, PoolId pool, std::size_t most, std::function<bool(PodId)> may);
  // The pods to take from the next node; none: no node is left. Answer with took() when they are gone, with refused()
  // when they cannot all go.
  std::optional<std::vector<PodId>> next();
  void took();
  void refused() { stuck_.put(now_); }

 private:
  struct Place {
    std::size_t level = 0;
    NodeId node;
    bool operator>(const Place& o) const { return level != o.level ? level > o.level : node > o.node; }
  };
  // Pods to take for one more slot; none: it cannot be had.
  std::optional<std::vector<PodId>> choose(NodeId n) const;

  World& world_;
  std::int32_t devices_;
  NodeSet& stuck_;
  std::function<bool(PodId)> may_;
  std::vector<Place> heap_;
  NodeId now_;
};

}  // namespace muster::sched::act
