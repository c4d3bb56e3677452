#pragma once
// Limits: whether a job's queues may hold more (product rules 1.9.1, 1.9.2).

#include <optional>

#include "sched/order/batch.h"
#include "sched/state/world.h"

namespace muster::sched::act {

struct Breach {
  QueueId queue;
  int resource = 0;
  bool guarded = false;  // non-preemptible over quota, else over limit
  std::int64_t bound = 0, allocated = 0, need = 0;
};

// Before the batch is placed. Memory requests count with the largest device, so that a "no" is certain.
std::optional<Breach> breach(const World& world, JobId j, const order::Batch& batch);
// Thousandths of devices that the queues of the job may take beside what they hold.
std::int64_t gpus_left(const World& world, JobId j);
// What the pods cost at least, thousandths of devices.
std::int64_t least_gpus(const World& world, JobId j, const std::vector<PodId>& pods);
// After it was placed, with what its devices really cost.
bool is_breached(const World& world, JobId j, const order::Batch& batch);

}  // namespace muster::sched::act
