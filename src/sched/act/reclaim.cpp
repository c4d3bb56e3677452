// Reclaim: a queue that is below its fair share takes back from other queues what they hold above theirs (product rule
// 1.7). Priority of workloads plays no part between queues.

#include "sched/act/reclaim.h"

#include <map>

#include <fmt/core.h>

#include "base/wide.h"
#include "sched/act/limits.h"
#include "sched/act/runtime.h"
#include "sched/act/turn.h"
#include "sched/act/victims.h"
#include "sched/explain/words.h"
#include "sched/order/rules.h"
#include "sched/order/serving.h"
#include "sched/share/fair_share.h"

namespace muster::sched::act {

using model::Resources;

namespace {

bool is_above(const QueueRow& q, const Resources& holds, std::int64_t (*line)(const QueueRow&, int)) {
  for (int r = 0; r < resource_count; ++r)
    if (at(holds, r) > line(q, r)) return true;
  return false;
}
std::int64_t quota_line(const QueueRow& q, int r) { return at(q.quota, r); }

class ReclaimRule final : public VictimRule {
 public:
  ReclaimRule(const Turn& turn, JobId j, const Resources& need)
      : turn_(turn), world_(turn.world), queue_(world_.job(j).queue), job_(j), need_(need) {
    for (QueueId q = queue_; !q.is_none(); q = world_.queue(q).parent) before_[q] = world_.queue(q).allocated;
  }

  model::Action action() const override { return model::Action::Reclaim; }
  bool may_move() const override { return world_.config.consolidating_reclaim; }

  bool admits_job(JobId) const override { return true; }
  bool admits_queue(QueueId theirs) const override {
    if (theirs == queue_) return false;
    Siblings s = part(world_, queue_, theirs);
    if (s.left == s.right) return false;
    const QueueRow& other = world_.queue(s.right);
    if (!stays_within_quota(s.left)) return is_above(other, other.allocated, &share::allocatable);
    // Over quota in something that is asked for; or nowhere under it, so that it may have what can be moved.
    bool under = false;
    for (int r = 0; r < resource_count; ++r) {
      if (at(need_, r) <= 0 || at(other.quota, r) == unlimited) continue;
      if (at(other.allocated, r) > at(other.quota, r)) return true;
      under = under || at(other.allocated, r) < at(other.quota, r);
    }
    return !under;
  }
  bool surplus_only(JobId victim) const override { return is_guaranteed_from_reclaim(turn_, victim, queue_); }

  // Step by step, on what each queue held when the search began.
  std::ptrdiff_t first_refused(const std::vector<Taken>& taken) const override {
    std::map<QueueId, Resources> left = before_;
    for (const Taken& t : taken) {
      if (t.moved) continue;
      for (QueueId q = world_.job(t.unit.job).queue; !q.is_none(); q = world_.queue(q).parent) {
        if (before_.contains(q)) continue;
        // Its counter no longer has what this search took from it.
        left.try_emplace(q, world_.queue(q).allocated).first->second += t.charge;
      }
    }
    held_ = left;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (taken[i].moved) continue;
      QueueId theirs = world_.job(taken[i].unit.job).queue;
      Siblings s = part(world_, queue_, theirs);
      const QueueRow& other = world_.queue(s.right);
      const Resources& holds = left.at(s.right);
      bool over_share = is_above(other, holds, &share::allocatable);
      bool over_quota = stays_within_quota(s.left) && is_above(other, holds, &quota_line);
      if (!over_share && !over_quota) return static_cast<std::ptrdiff_t>(i);
      for (QueueId q = theirs; !q.is_none(); q = world_.queue(q).parent) left.at(q) -= taken[i].charge;
      if (saturates(s, left.at(s.left), left.at(s.right), taken[i].charge)) return static_cast<std::ptrdiff_t>(i);
    }
    return -1;
  }
  bool shares_fate(JobId refused, JobId other) const override {
    return part(world_, queue_, world_.job(refused).queue).right == part(world_, queue_, world_.job(other).queue).right;
  }

  std::string message(const Taken& taken) const override {
    const JobRow& victim = world_.job(taken.unit.job);
    Siblings s = part(world_, queue_, victim.queue);
    int r = need_.gpu > 0 ? 0 : need_.cpu > 0 ? 1 : 2;
    auto state = [&](QueueId q, std::int64_t uses) {
      const QueueRow& row = world_.queue(q);
      return fmt::format("\"{}\" used {} (quota {}, fair share {})",
                         row.noun.display_name.empty() ? row.noun.name : row.noun.display_name, explain::plain(r, uses),
                         explain::plain(r, at(row.quota, r)), explain::plain(r, at(row.fair_share, r)));
    };
    std::int64_t theirs = at(held_.contains(s.right) ? held_.at(s.right) : world_.queue(s.right).allocated, r);
    return fmt::format("reclaimed by \"{}\" for {}, which needs {}: {}, {}", world_.queue(queue_).noun.name,
                       world_.job(job_).key, explain::amount(r, at(need_, r)), state(s.right, theirs),
                       state(s.left, at(before_.at(s.left), r)));
  }

 private:
  bool stays_within_quota(QueueId q) const {
    const QueueRow& row = world_.queue(q);
    for (int r = 0; r < resource_count; ++r)
      if (at(row.quota, r) != unlimited && at(before_.at(q), r) + at(need_, r) > at(row.quota, r)) return false;
    return true;
  }

  // The reclaimer's side would be above its fair share and at least as full as the side it takes from.
  bool saturates(const Siblings& s, const Resources& own_left, const Resources& their_left,
                 const Resources& taken) const {
    const QueueRow &own = world_.queue(s.left), &other = world_.queue(s.right);
    for (int r = 0; r < resource_count; ++r) {
      if (at(need_, r) == 0 && at(taken, r) == 0) continue;
      Wide holds = at(own_left, r) + at(need_, r), share = at(own.fair_share, r);
      if (holds <= share) continue;
      Wide theirs = at(their_left, r), their_share = at(other.fair_share, r);
      if (their_share <= 0) continue;
      Wide m = world_.config.reclaim_saturation_multiplier_milli;
      if (holds * m * their_share >= theirs * share * 1000) return true;
    }
    return false;
  }

  const Turn& turn_;
  const World& world_;
  QueueId queue_;
  JobId job_;
  Resources need_;
  std::map<QueueId, Resources> before_;        // the reclaimer's path as the search found it
  mutable std::map<QueueId, Resources> held_;  // what the victims' queues held
};

}  // namespace

std::unique_ptr<VictimRule> reclaim_rule(const Turn& turn, JobId j, const Resources& need) {
  return std::make_unique<ReclaimRule>(turn, j, need);
}

std::optional<Refusal> reclaim_refusal(const World& world, JobId j, const order::Batch& batch) {
  const JobRow& job = world.job(j);
  const Resources need = order::demand_of(world, batch.pods);
  const QueueRow& leaf = world.queue(job.queue);
  for (int r = 0; r < resource_count; ++r)
    if (at(leaf.allocated, r) + at(need, r) > at(leaf.fair_share, r))
      return Refusal{job.queue, r, at(leaf.fair_share, r), at(leaf.allocated, r), at(need, r)};
  return std::nullopt;
}

void reclaim(Turn& turn) {
  World& world = turn.world;
  for (std::uint32_t i = 0; i < world.pools.size(); ++i) {
    turn.lines.refresh();
    order::Serving serving(world, turn.lines, PoolId{i},
                           [&](JobId j) { return is_candidate(turn, j) && !is_delayed(turn, j); });
    for (JobId j = serving.next(); !j.is_none(); j = serving.next()) {
      order::Batch batch = order::next_batch(world, j);
      bool made = false;
      if (!batch.empty() && !breach(world, j, batch) && !reclaim_refusal(world, j, batch)) {
        ReclaimRule rule(turn, j, order::demand_of(world, batch.pods));
        made = make_room(turn, j, batch, rule);
      }
      made ? serving.placed() : serving.failed();
      if (made) turn.lines.refresh();
    }
  }
}

}  // namespace muster::sched::act
