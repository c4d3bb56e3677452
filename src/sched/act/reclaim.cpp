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

using Line = std::int64_t (*)(const QueueRow&, int);
std::int64_t quota_line(const QueueRow& q, int r) { return at(q.quota, r); }

// What queues hold while a search is judged: as they are, but for the reclaimer's path, which is as it was.
class Ledger {
 public:
  Ledger(const World& world, const std::map<QueueId, Resources>& kept)
      : holds_(world.queues.size()), kept_(holds_.size()) {
    for (std::size_t i = 0; i < holds_.size(); ++i) holds_[i] = world.queues[i].allocated;
    for (const auto& [q, holds] : kept) holds_[q.value] = holds, kept_[q.value] = true;
  }
  Resources& operator[](QueueId q) { return holds_[q.value]; }
  const Resources& of(QueueId q) const { return holds_[q.value]; }
  bool is_kept(QueueId q) const { return kept_[q.value]; }

 private:
  std::vector<Resources> holds_;
  std::vector<bool> kept_;
};

class ReclaimRule final : public VictimRule {
 public:
  ReclaimRule(const Turn& turn, JobId j, const Resources& need)
      : turn_(turn), world_(turn.world), queue_(world_.job(j).queue), job_(j), need_(need) {
    for (QueueId q = queue_; !q.is_none(); q = world_.queue(q).parent) before_[q] = world_.queue(q).allocated;
  }

  model::Action action() const override { return model::Action::Reclaim; }
  bool may_fill() const override { return true; }
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
  bool admits_more(QueueId leaf) const override {
    Siblings s = part(world_, queue_, leaf);
    const QueueRow& other = world_.queue(s.right);
    if (is_above(other, other.allocated, &share::allocatable)) return true;
    return stays_within_quota(s.left) && is_above(other, other.allocated, &quota_line);
  }
  // Each sibling gives until it is down to its line, and then not more than one unit below.
  std::int64_t most_gpus(const std::vector<QueueId>& leaves, std::int64_t enough) const override {
    std::map<QueueId, std::int64_t> most;
    for (QueueId leaf : leaves) most.try_emplace(part(world_, queue_, leaf).right, 0);
    std::int64_t sum = 0;
    for (auto& [q, bound] : most) sum += bound = excess_of(q);
    if (sum >= enough) return sum;
    for (const auto& [q, all] : most_of_sides(leaves)) sum += all - most[q];
    return sum;
  }
  std::vector<Giver> givers(const std::vector<QueueId>& leaves) const override {
    const std::map<QueueId, std::int64_t> most = most_of_sides(leaves);
    std::vector<Giver> out;
    for (QueueId leaf : leaves) {
      const QueueId side = part(world_, queue_, leaf).right;
      out.push_back({leaf, side, most.at(side)});
    }
    return out;
  }
  bool surplus_only(JobId victim) const override { return is_guaranteed_from_reclaim(turn_, victim, queue_); }

  // Step by step, on what each queue held when the search began.
  std::ptrdiff_t first_refused(const std::vector<Taken>& taken) const override {
    Ledger left(world_, before_);
    for (const Taken& t : taken) {
      if (t.moved) continue;
      // The counters no longer have what this search took.
      for (QueueId q = world_.job(t.unit.job).queue; !q.is_none(); q = world_.queue(q).parent)
        if (!left.is_kept(q)) left[q] += t.charge;
    }
    held_ = left;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (taken[i].moved) continue;
      QueueId theirs = world_.job(taken[i].unit.job).queue;
      Siblings s = part(world_, queue_, theirs);
      const QueueRow& other = world_.queue(s.right);
      bool over_share = is_above(other, left[s.right], &share::allocatable);
      bool over_quota = stays_within_quota(s.left) && is_above(other, left[s.right], &quota_line);
      if (!over_share && !over_quota) return static_cast<std::ptrdiff_t>(i);
      for (QueueId q = theirs; !q.is_none(); q = world_.queue(q).parent) left[q] -= taken[i].charge;
      if (saturates(s, left[s.left], left[s.right], taken[i].charge)) return static_cast<std::ptrdiff_t>(i);
    }
    return -1;
  }
  bool shares_fate(JobId refused, JobId other) const override {
    return part(world_, queue_, world_.job(refused).queue).right == part(world_, queue_, world_.job(other).queue).right;
  }

  std::string message(const Taken& taken) const override {
    Siblings s = part(world_, queue_, world_.job(taken.unit.job).queue);
    auto [known, fresh] = messages_.try_emplace(s.right);
    if (!fresh) return known->second;
    int r = need_.gpu > 0 ? 0 : need_.cpu > 0 ? 1 : 2;
    auto state = [&](QueueId q, std::int64_t uses) {
      const QueueRow& row = world_.queue(q);
      return fmt::format("\"{}\" used {} (quota {}, fair share {})",
                         row.noun.display_name.empty() ? row.noun.name : row.noun.display_name, explain::plain(r, uses),
                         explain::plain(r, at(row.quota, r)), explain::plain(r, at(row.fair_share, r)));
    };
    std::int64_t theirs = at(held_ ? held_->of(s.right) : world_.queue(s.right).allocated, r);
    known->second = fmt::format("reclaimed by \"{}\" for {}, which needs {}: {}, {}", world_.queue(queue_).noun.name,
                                world_.job(job_).key, explain::amount(world_, r, at(need_, r)), state(s.right, theirs),
                                state(s.left, at(before_.at(s.left), r)));
    return known->second;
  }

 private:
  // Above the line in something that is asked for. (In anything at all: the peer's rule, by which a job that asks for
  // CPU alone takes from a queue that has too many GPUs, and two queues can take from each other in turns.)
  bool is_above(const QueueRow& q, const Resources& holds, Line line) const {
    for (int r = 0; r < resource_count; ++r)
      if ((at(need_, r) > 0 || world_.config.reclaim_for_any_excess) && at(holds, r) > line(q, r)) return true;
    return false;
  }

  // Asked for every queue that might give, mostly about the same one of the reclaimer's path.
  bool stays_within_quota(QueueId q) const {
    if (q != asked_last_) asked_last_ = q, stays_last_ = would_stay_within_quota(q);
    return stays_last_;
  }
  bool would_stay_within_quota(QueueId q) const {
    const QueueRow& row = world_.queue(q);
    for (int r = 0; r < resource_count; ++r)
      if (at(row.quota, r) != unlimited && at(before_.at(q), r) + at(need_, r) > at(row.quota, r)) return false;
    return true;
  }

  // What each sibling can give up: what it has above its line, and what its last unit takes it below.
  std::map<QueueId, std::int64_t> most_of_sides(const std::vector<QueueId>& leaves) const {
    std::map<QueueId, std::int64_t> out;
    for (QueueId leaf : leaves) {
      std::int64_t& unit = out[part(world_, queue_, leaf).right];
      unit = std::max(unit, turn_.lines.largest_holder(leaf));
    }
    for (auto& [q, most] : out) {
      const std::int64_t excess = excess_of(q);
      most = excess > 0 ? excess + std::min(most - 1, world_.queue(q).allocated.gpu - excess) : 0;
    }
    return out;
  }

  // Devices above the sibling's line; all it has where it is above in something else.
  std::int64_t excess_of(QueueId q) const {
    const QueueRow& other = world_.queue(q);
    bool to_quota = stays_within_quota(part(world_, queue_, q).left);
    auto line = [&](int r) {
      std::int64_t share = share::allocatable(other, r);
      return to_quota ? std::min(at(other.quota, r), share) : share;
    };
    for (int r = 1; r < resource_count; ++r)
      if ((at(need_, r) > 0 || world_.config.reclaim_for_any_excess) && at(other.allocated, r) > line(r))
        return other.allocated.gpu;
    return std::max<std::int64_t>(0, other.allocated.gpu - line(0));
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
  std::map<QueueId, Resources> before_;  // the reclaimer's path as the search found it
  mutable std::optional<Ledger> held_;   // what the victims' queues held
  mutable std::map<QueueId, std::string> messages_;
  mutable QueueId asked_last_;
  mutable bool stays_last_ = false;
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
      // Victims of other queues free nothing below the queue's own limit, but may below one that both share.
      const std::optional<Breach> over = batch.empty() ? std::nullopt : breach(world, j, batch);
      const bool hopeless = over && (over->guarded || over->queue == world.job(j).queue);
      if (!batch.empty() && !hopeless && !reclaim_refusal(world, j, batch)) {
        ReclaimRule rule(turn, j, order::demand_of(world, batch.pods));
        made = make_room(turn, j, batch, rule);
      }
      made ? serving.placed() : serving.failed();
      if (made) turn.lines.refresh();
    }
  }
}

}  // namespace muster::sched::act
