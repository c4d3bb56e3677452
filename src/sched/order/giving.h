#pragma once
// Giving: running jobs in the order in which they give way, while taking from them changes that order: the reverse of
// the order in which they are served (product rule 1.5).

#include <functional>
#include <vector>

#include "sched/order/lines.h"
#include "sched/order/queue_heap.h"

namespace muster::sched::order {

class Giving {
 public:
  // `leaves`: whose jobs may be asked. `may`: of these, which.
  Giving(World& world, const Lines& lines, const std::vector<QueueId>& leaves, std::function<bool(JobId)> may);
  // Who gives way next; none when all did. Answer with took() or skip() before asking again.
  JobId next();
  // Something was taken from it; it is asked again while it has more.
  void took();
  void skip();
  // Nobody of its queue is asked any more.
  void skip_queue();

 private:
  bool sooner(const Standing& a, const Standing& b) const;
  struct Lane {
    const std::set<Standing, ByStanding>* holders = nullptr;
    std::set<Standing, ByStanding>::const_reverse_iterator at;
    std::vector<Standing> by_loss;  // the holders, where what is lost decides; the next one last
    std::vector<Standing> again;    // heap: jobs that gave and have more
  };
  const Standing* top(Lane& lane);
  void renew(QueueId leaf);

  World& world_;
  std::function<bool(JobId)> may_;
  QueueHeap heap_;
  std::vector<Lane> lanes_;  // by leaf
  QueueId leaf_;
  Standing now_;
};

}  // namespace muster::sched::order
