#pragma once
// Serving: waiting jobs in the order in which an action serves them, while serving changes that order. A class of equal
// jobs is left alone for the rest of the action once one of them found no place.

#include <functional>
#include <vector>

#include "sched/order/lines.h"
#include "sched/order/queue_heap.h"

namespace muster::sched::order {

class Serving {
 public:
  // `may`: whether a job takes part in the action at all.
  Serving(World& world, Lines& lines, PoolId pool, std::function<bool(JobId)> may);
  // The job to serve now; none when all were. Answer with placed() or failed() before asking again.
  JobId next();
  // It got its batch. Its place among the jobs is taken anew, others' too.
  void placed();
  void failed();

 private:
  struct Waiting {
    Standing standing;
    ClassIndex klass = no_class;  // none: served before in this action
    std::uint64_t generation = 0;
  };
  bool later(const Waiting& a, const Waiting& b) const { return ByStanding(world_)(b.standing, a.standing); }
  void push_next_of(ClassIndex c, const Standing* after);
  void renew(QueueId leaf);

  World& world_;
  Lines& lines_;
  std::function<bool(JobId)> may_;
  QueueHeap heap_;
  std::vector<std::vector<Waiting>> lanes_;  // heaps, by leaf
  QueueId leaf_;
  Waiting now_;
};

}  // namespace muster::sched::order
