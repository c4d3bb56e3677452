#pragma once
// Walk: the jobs of a pool in the order in which they are served, or in the reverse, in which they give way, while
// serving or evicting them changes that order. A heap of jobs in each leaf queue, a heap of children in each inner one;
// after a change only the path of one queue is re-sorted.

#include <vector>

#include "sched/order/rules.h"
#include "sched/state/world.h"

namespace muster::sched::order {

enum class Direction { Serve, GiveWay };

class Walk {
 public:
  // `jobs` belong to leaf queues of one pool.
  Walk(World& world, const std::vector<JobId>& jobs, Direction direction = Direction::Serve);
  // The job to serve now, taken out; none when all are served. Looks at allocations as they are.
  JobId pop();
  // Puts a job back that has more to place.
  void push(JobId j);
  // The allocations of this leaf changed.
  void refresh(QueueId leaf);

 private:
  struct Lane {
    std::vector<JobId> jobs;      // heap; of leaves
    std::vector<QueueId> queues;  // heap; of inner queues and the root
    Next next;                    // what its next job asks, or would give up
    std::int32_t place = -1;      // in the parent's heap
    bool empty() const { return jobs.empty() && queues.empty(); }
  };
  Lane& lane(QueueId q) { return q.is_none() ? root_ : lanes_[q.value]; }
  bool before(QueueId a, QueueId b);
  // For std heaps, which keep the greatest on top.
  bool is_later(JobId a, JobId b);
  auto by_turn() {
    return [this](JobId a, JobId b) { return is_later(a, b); };
  }
  void renew(QueueId q);
  void sift(Lane& parent, std::size_t i);
  void settle_path(QueueId q);

  World& world_;
  Direction direction_;
  std::vector<Lane> lanes_;
  Lane root_;
};

}  // namespace muster::sched::order
