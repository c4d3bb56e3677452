// Preempt: a job makes less important jobs of its own queue give way (product rule 1.8).

#include <fmt/core.h>

#include "sched/act/limits.h"
#include "sched/act/runtime.h"
#include "sched/act/turn.h"
#include "sched/act/victims.h"
#include "sched/order/walk.h"

namespace muster::sched::act {

namespace {

class PreemptRule final : public VictimRule {
 public:
  PreemptRule(const Turn& turn, JobId j) : turn_(turn), world_(turn.world), job_(j) {}

  model::Action action() const override { return model::Action::Preempt; }
  bool may_move() const override { return true; }
  bool admits(JobId victim) const override {
    const JobRow &own = world_.job(job_), &other = world_.job(victim);
    return own.queue == other.queue && other.noun.priority < own.noun.priority;
  }
  bool surplus_only(JobId victim) const override { return is_guaranteed_from_preempt(turn_, victim); }
  std::ptrdiff_t first_refused(const std::vector<Taken>&) const override { return -1; }
  bool shares_fate(JobId, JobId) const override { return false; }
  std::string message(const Taken& taken) const override {
    const JobRow &own = world_.job(job_), &other = world_.job(taken.unit.job);
    return fmt::format("preempted by {} of the same queue \"{}\", whose priority {} is above {}", own.key,
                       own.noun.queue, own.noun.priority, other.noun.priority);
  }

 private:
  const Turn& turn_;
  const World& world_;
  JobId job_;
};

}  // namespace

void preempt(Turn& turn) {
  World& world = turn.world;
  for (std::uint32_t i = 0; i < world.pools.size(); ++i) {
    std::vector<JobId> jobs;
    for (JobId j : candidates(turn, PoolId{i}))
      if (!is_delayed(turn, j)) jobs.push_back(j);
    if (jobs.empty()) continue;
    order::Walk walk(world, jobs);
    for (JobId j = walk.pop(); !j.is_none(); j = walk.pop()) {
      order::Batch batch = order::next_batch(world, j);
      if (batch.empty() || breach(world, j, batch)) continue;
      std::vector<JobId> victims;
      for (JobId v : world.queue(world.job(j).queue).jobs)
        if (world.job(v).active > 0 && world.job(v).preemptible()) victims.push_back(v);
      PreemptRule rule(turn, j);
      if (!make_room(turn, j, batch, victims, rule)) continue;
      walk.refresh(world.job(j).queue);
      if (!order::next_batch(world, j).empty()) walk.push(j);
    }
  }
}

}  // namespace muster::sched::act
