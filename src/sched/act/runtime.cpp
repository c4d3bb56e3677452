#include "sched/act/runtime.h"

#include <algorithm>

namespace muster::sched::act {

namespace {

Duration inherited(const World& world, QueueId from, std::optional<Duration> model::Queue::* field,
                   Duration otherwise) {
  for (QueueId q = from; !q.is_none(); q = world.queue(q).parent)
    if (const auto& set = world.queue(q).noun.*field) return *set;
  return otherwise;
}

bool runs_less_than(const Turn& turn, JobId victim, Duration minimum) {
  std::int64_t start = turn.world.job(victim).last_start;
  return start != 0 && start + minimum.ms > turn.now.ms;
}

}  // namespace

Siblings part(const World& world, QueueId left, QueueId right) {
  while (world.queue(left).depth > world.queue(right).depth) left = world.queue(left).parent;
  while (world.queue(right).depth > world.queue(left).depth) right = world.queue(right).parent;
  while (left != right && world.queue(left).parent != world.queue(right).parent)
    left = world.queue(left).parent, right = world.queue(right).parent;
  return {left, right};
}

bool is_guaranteed_from_preempt(const Turn& turn, JobId victim) {
  const World& world = turn.world;
  return runs_less_than(
      turn, victim,
      inherited(world, world.job(victim).queue, &model::Queue::preempt_min_runtime, world.config.preempt_min_runtime));
}

bool is_guaranteed_from_reclaim(const Turn& turn, JobId victim, QueueId reclaimer) {
  const World& world = turn.world;
  QueueId from = world.job(victim).queue;
  if (world.config.reclaim_min_runtime_method == Config::MinRuntimeMethod::Lca)
    from = part(world, reclaimer, from).right;
  return runs_less_than(turn, victim,
                        inherited(world, from, &model::Queue::reclaim_min_runtime, world.config.reclaim_min_runtime));
}

bool is_guaranteed_from_move(const Turn& turn, JobId victim) {
  return runs_less_than(turn, victim, turn.world.config.consolidation_min_runtime);
}

bool is_delayed(const Turn& turn, JobId j) {
  const JobRow& job = turn.world.job(j);
  return std::max(job.noun.created.ms, job.last_evicted) + job.noun.preemption_delay.ms > turn.now.ms &&
         job.noun.preemption_delay.ms > 0;
}

}  // namespace muster::sched::act
