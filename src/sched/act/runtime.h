#pragma once
// Runtime guarantees: how long a job that started is left alone (product rules 1.9.5 to 1.9.8).

#include "sched/act/turn.h"

namespace muster::sched::act {

// Whether the victim still has guaranteed runtime against a job of its own queue, or of another one.
bool is_guaranteed_from_preempt(const Turn& turn, JobId victim);
bool is_guaranteed_from_reclaim(const Turn& turn, JobId victim, QueueId reclaimer);
// Whether the victim has run too short to be moved by consolidation.
bool is_guaranteed_from_move(const Turn& turn, JobId victim);
// A job that asked to wait before it makes others give way.
bool is_delayed(const Turn& turn, JobId j);

// The ancestors (or the queues themselves) that are siblings where the two paths part; equal when one lies on the
// other's path.
struct Siblings {
  QueueId left, right;
};
Siblings part(const World& world, QueueId left, QueueId right);

}  // namespace muster::sched::act
