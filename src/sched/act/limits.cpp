#include "sched/act/limits.h"

#include <algorithm>

namespace muster::sched::act {

using model::Preemptibility;
using model::Resources;

namespace {

Resources least_demand(const World& world, const std::vector<PodId>& pods, PoolId pool) {
  Resources sum;
  for (PodId p : pods) {
    const Shape& s = world.shape_of(p);
    Resources one = world.demand(s, pool);
    if (s.gpu().kind == model::GpuRequest::Kind::Memory)
      one.gpu = static_cast<std::int64_t>(s.gpu().devices) * share_of_device(s, world.pool(pool).most_mib);
    sum += one;
  }
  return sum;
}

bool guards(const JobRow& job, bool core) {
  return job.preemptibility == Preemptibility::NonPreemptible ||
         (job.preemptibility == Preemptibility::SemiPreemptible && core);
}

}  // namespace

std::optional<Breach> breach(const World& world, JobId j, const order::Batch& batch) {
  const JobRow& job = world.job(j);
  const Resources need = least_demand(world, batch.pods, world.queue(job.queue).pool);
  const bool guarded = guards(job, batch.core);
  std::optional<Breach> over_quota;
  for (QueueId q = job.queue; !q.is_none(); q = world.queue(q).parent) {
    const QueueRow& row = world.queue(q);
    for (int r = 0; r < resource_count; ++r) {
      if (at(need, r) == 0) continue;
      if (at(row.limit, r) != unlimited && at(row.allocated, r) + at(need, r) > at(row.limit, r))
        return Breach{q, r, false, at(row.limit, r), at(row.allocated, r), at(need, r)};
      if (!over_quota && guarded && at(row.quota, r) != unlimited &&
          at(row.guarded, r) + at(need, r) > at(row.quota, r))
        over_quota = Breach{q, r, true, at(row.quota, r), at(row.guarded, r), at(need, r)};
    }
  }
  return over_quota;
}

std::int64_t gpus_left(const World& world, JobId j) {
  const JobRow& job = world.job(j);
  std::int64_t left = unlimited;
  for (QueueId q = job.queue; !q.is_none(); q = world.queue(q).parent) {
    const QueueRow& row = world.queue(q);
    if (row.limit.gpu != unlimited) left = std::min(left, row.limit.gpu - row.allocated.gpu);
    if (job.preemptibility == Preemptibility::NonPreemptible && row.quota.gpu != unlimited)
      left = std::min(left, row.quota.gpu - row.guarded.gpu);
  }
  return left;
}

std::int64_t least_gpus(const World& world, JobId j, const std::vector<PodId>& pods) {
  return least_demand(world, pods, world.queue(world.job(j).queue).pool).gpu;
}

bool is_breached(const World& world, JobId j, const order::Batch& batch) {
  const JobRow& job = world.job(j);
  const Resources need = least_demand(world, batch.pods, world.queue(job.queue).pool);
  for (QueueId q = job.queue; !q.is_none(); q = world.queue(q).parent) {
    const QueueRow& row = world.queue(q);
    for (int r = 0; r < resource_count; ++r) {
      // What the job does not ask for may be above a limit that was lowered since.
      if (at(need, r) == 0) continue;
      if (at(row.limit, r) != unlimited && at(row.allocated, r) > at(row.limit, r)) return true;
      if (guards(job, batch.core) && at(row.quota, r) != unlimited && at(row.guarded, r) > at(row.quota, r))
        return true;
    }
  }
  return false;
}

}  // namespace muster::sched::act
