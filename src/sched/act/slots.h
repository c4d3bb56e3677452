#pragma once
// Slots: how many pods of each shape of a batch find room, counted per node and kept up to date while pods are taken
// from nodes. Never too few; exact for batches of one shape of whole devices.

#include <vector>

#include "sched/order/batch.h"
#include "sched/state/world.h"

namespace muster::sched::act {

class Slots {
 public:
  // `none_now`: the batch is known to fit nowhere, so that no node needs to be asked until it changes.
  Slots(const World& world, const order::Batch& batch, PoolId pool, bool none_now);
  // Something on the node changed.
  void renew(NodeId n);
  bool suffice() const;
  bool concerns(NodeId n) const;

 private:
  struct Kind {
    ShapeId shape;
    std::int64_t wanted = 0, total = 0;
    NodeSet nodes;
    std::vector<std::int32_t> at;  // by node
  };
  const World& world_;
  std::vector<Kind> kinds_;
};

}  // namespace muster::sched::act
