// Preempt: a job makes less important jobs of its own queue give way (product rule 1.8).

#include <fmt/core.h>

#include "sched/act/limits.h"
#include "sched/act/runtime.h"
#include "sched/act/turn.h"
#include "sched/act/victims.h"
#include "sched/order/serving.h"

namespace muster::sched::act {

namespace {

class PreemptRule final : public VictimRule {
 public:
  PreemptRule(const Turn& turn, JobId j) : turn_(turn), world_(turn.world), job_(j) {}

  model::Action action() const override { return model::Action::Preempt; }
  bool may_fill() const override { return false; }
  bool may_move() const override { return true; }
  bool asks_by_queue() const override { return false; }
  bool admits_queue(QueueId leaf) const override { return leaf == world_.job(job_).queue; }
  bool admits_job(JobId victim) const override {
    return world_.job(victim).noun.priority < world_.job(job_).noun.priority;
  }
  std::int64_t most_gpus(const std::vector<QueueId>&, std::int64_t) const override { return unlimited; }
  std::vector<Giver> givers(const std::vector<QueueId>& leaves) const override {
    std::vector<Giver> out;
    for (QueueId q : leaves) out.push_back({q, q, unlimited});
    return out;
  }
  bool admits_more(QueueId) const override { return true; }
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
    turn.lines.refresh();
    order::Serving serving(world, turn.lines, PoolId{i},
                           [&](JobId j) { return is_candidate(turn, j) && !is_delayed(turn, j); });
    for (JobId j = serving.next(); !j.is_none(); j = serving.next()) {
      bool made = false;
      // The least important job of the queue tells whether anybody could give way.
      const auto& holders = turn.lines.leaf(world.job(j).queue).holders;
      if (!holders.empty() && holders.rbegin()->priority < world.job(j).noun.priority) {
        order::Batch batch = order::next_batch(world, j);
        PreemptRule rule(turn, j);
        // A limit is compared once the victims have left: they hold what counts against it. Quota of non-preemptible
        // work is not freed by preemptible victims.
        const std::optional<Breach> over = breach(world, j, batch);
        made = !batch.empty() && !(over && over->guarded) && make_room(turn, j, batch, rule);
      }
      made ? serving.placed() : serving.failed();
      if (made) turn.lines.refresh();
    }
  }
}

}  // namespace muster::sched::act
