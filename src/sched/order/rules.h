#pragma once
// The total orders of queues and jobs (product rules 1.5, 1.6).

#include "sched/state/world.h"

namespace muster::sched::order {

// What a queue's next step would add to it: what the next job to serve asks, or what its next victim would give up.
struct Next {
  model::Resources takes, gives;
};
// Which sibling is served first, and gives way last; negative: a.
int compare_queues(const World& world, QueueId a, QueueId b, const Next& next_a, const Next& next_b);
// Which job of one queue is served first; negative: a.
int compare_jobs(const World& world, JobId a, JobId b);

// Above its fair share in some resource.
bool is_above_share(const QueueRow& queue);
// Within its quota in every resource with `next` on top.
bool stays_within_quota(const QueueRow& queue, const model::Resources& next);

}  // namespace muster::sched::order
