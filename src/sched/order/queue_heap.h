#pragma once
// QueueHeap: leaf queues of one pool as a tree of heaps, best child on top at every level. When a leaf's turn or its
// allocations change, only its path is re-sorted.

#include <vector>

#include "sched/order/rules.h"
#include "sched/state/world.h"

namespace muster::sched::order {

enum class Direction { Serve, GiveWay };

class QueueHeap {
 public:
  QueueHeap(const World& world, Direction direction);
  // The leaf's next step; also after its allocations changed.
  void set(QueueId leaf, const Next& next);
  // The leaf has nothing more.
  void drop(QueueId leaf);
  // none: nobody has.
  QueueId best() const;

 private:
  struct Lane {
    std::vector<QueueId> children;  // heap
    Next next;
    QueueKey key;
    std::int32_t place = -1;  // in the parent's heap; -1: has nothing
    bool filled = false;      // a leaf that has something
  };
  Lane& lane(QueueId q) { return q.is_none() ? root_ : lanes_[q.value]; }
  const Lane& lane(QueueId q) const { return q.is_none() ? root_ : lanes_[q.value]; }
  bool before(QueueId a, QueueId b) const;
  void sift(Lane& parent, std::size_t i);
  void settle(QueueId q);

  const World& world_;
  Direction direction_;
  std::vector<Lane> lanes_;
  Lane root_;
};

}  // namespace muster::sched::order
