// Consolidate: running preemptible pods are moved together so that a waiting preemptible gang, for which the free
// devices suffice in number but not in place, fits. Nothing moves unless everything that moves has a new place (product
// rule 1.3.3).

#include <algorithm>

#include <fmt/core.h>

#include "sched/act/limits.h"
#include "sched/act/runtime.h"
#include "sched/act/turn.h"
#include "sched/act/victims.h"
#include "sched/order/serving.h"
#include "sched/order/signature.h"

namespace muster::sched::act {

namespace {

class MoveRule final : public VictimRule {
 public:
  MoveRule(const Turn& turn, JobId j) : turn_(turn), world_(turn.world), job_(j) {}

  model::Action action() const override { return model::Action::Consolidate; }
  bool may_fill() const override { return false; }
  bool may_move() const override { return true; }
  bool only_moves() const override { return true; }
  bool admits_queue(QueueId) const override { return true; }
  bool admits_job(JobId victim) const override { return !is_guaranteed_from_move(turn_, victim); }
  // What moves frees nothing in sum.
  std::int64_t most_gpus(const std::vector<QueueId>&, std::int64_t) const override { return 0; }
  std::vector<Giver> givers(const std::vector<QueueId>& leaves) const override {
    std::vector<Giver> out;
    for (QueueId q : leaves) out.push_back({q, {}, 0});
    return out;
  }
  bool admits_more(QueueId) const override { return true; }
  bool surplus_only(JobId) const override { return false; }
  std::size_t most_pods() const override {
    const auto& most = world_.config.max_consolidation_preemptees;
    return most ? static_cast<std::size_t>(*most) : SIZE_MAX;
  }
  std::ptrdiff_t first_refused(const std::vector<Taken>& taken) const override {
    for (std::size_t i = 0; i < taken.size(); ++i)
      if (!taken[i].moved) return static_cast<std::ptrdiff_t>(i);
    return -1;
  }
  bool shares_fate(JobId refused, JobId other) const override { return refused == other; }
  std::string message(const Taken&) const override {
    return fmt::format("moved to another place so that {} fits", world_.job(job_).key);
  }

 private:
  const Turn& turn_;
  const World& world_;
  JobId job_;
};

// What it costs its queue does not depend on the place.
bool is_exact(const World& world, const order::Batch& batch) {
  return std::all_of(batch.pods.begin(), batch.pods.end(),
                     [&](PodId p) { return world.shape_of(p).gpu().kind != model::GpuRequest::Kind::Memory; });
}

}  // namespace

void consolidate(Turn& turn) {
  World& world = turn.world;
  for (std::uint32_t i = 0; i < world.pools.size(); ++i) {
    PoolId pool{i};
    if (world.pool(pool).gpu == Placement::Spread || world.pool(pool).cpu == Placement::Spread) continue;
    turn.lines.refresh();
    order::Serving serving(world, turn.lines, pool, [&](JobId j) {
      return is_candidate(turn, j) && !is_delayed(turn, j) &&
             world.job(j).preemptibility == model::Preemptibility::Preemptible;
    });
    std::unordered_set<std::string> in_vain;
    turn.stuck.clear();
    for (JobId j = serving.next(); !j.is_none(); j = serving.next()) {
      order::Batch batch = order::next_batch(world, j);
      bool made = false;
      if (!batch.empty() && !breach(world, j, batch)) {
        // Who moves does not depend on the queue for which it does: one "no" answers for all that need the same.
        std::string needs = is_exact(world, batch) ? order::signature(world, j, batch) : "";
        if (needs.empty() || !in_vain.contains(needs)) {
          MoveRule rule(turn, j);
          made = make_room(turn, j, batch, rule);
          if (made) in_vain.clear();
          if (!made && !needs.empty()) in_vain.insert(std::move(needs));
        }
      }
      made ? serving.placed() : serving.failed();
      if (made) turn.lines.refresh();
    }
  }
}

}  // namespace muster::sched::act
