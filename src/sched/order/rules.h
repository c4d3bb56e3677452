#pragma once
// The total orders of queues and jobs (product rules 1.5, 1.6).

#include "sched/state/world.h"

namespace muster::sched::order {

// What a queue's next step would add to it: what the next job to serve asks, or what its next victim would give up.
struct Next {
  model::Resources takes, gives;
};
struct Ratio {
  std::int64_t of = 0, to = 1;
};
// All that decides a queue's turn among its siblings. Holds until its allocations or its next step change.
struct QueueKey {
  bool above_share = false, beyond_quota = false, hits_zero = false;
  std::int32_t priority = 0;
  Ratio with_next, as_is;
  model::Resources allocatable;
  std::uint32_t rank = 0;
};
QueueKey key_of(const World& world, QueueId q, const Next& next);
// Which sibling is served first, and gives way last; negative: a.
int compare(const QueueKey& a, const QueueKey& b);
// Which job of one queue is served first; negative: a.
int compare_jobs(const World& world, JobId a, JobId b);

// Above its fair share in some resource.
bool is_above_share(const QueueRow& queue);
// Within its quota in every resource with `next` on top.
bool stays_within_quota(const QueueRow& queue, const model::Resources& next);

}  // namespace muster::sched::order
