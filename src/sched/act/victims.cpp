#include "sched/act/victims.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "sched/act/place.h"
#include "sched/act/slots.h"
#include "sched/fit/fit.h"
#include "sched/order/giving.h"
#include "sched/order/rules.h"

namespace muster::sched::act {

namespace {

class Search {
 public:
  Search(Turn& turn, JobId j, const order::Batch& batch, const VictimRule& rule)
      : turn_(turn),
        world_(turn.world),
        job_(j),
        batch_(batch),
        rule_(rule),
        pool_(world_.queue(world_.job(j).queue).pool) {}

  bool run() {
    // Whoever fits without anybody giving way is placed.
    if (try_place()) return true;
    std::vector<QueueId> leaves = admitted_queues(turn_, job_, rule_);
    if (leaves.empty()) return false;
    order::Giving giving(world_, turn_.lines, leaves,
                         [this](JobId v) { return v != job_ && rule_.admits_job(v) && !is_ruled_out(v); });
    slots_.emplace(world_, batch_, pool_);
    for (;;) {
      if (!walk_on(giving)) return false;
      give_back_unneeded();
      if (rule_.may_move()) move_victims();
      std::ptrdiff_t refused = rule_.first_refused(taken_);
      if (refused < 0) break;
      rule_out(static_cast<std::size_t>(refused));
    }
    if (pods_taken() > rule_.most_pods()) return false;
    for (const Taken& t : taken_) world_.job(t.unit.job).evict_message = rule_.message(t);
    return true;
  }

 private:
  bool try_place() { return place(world_, job_, batch_, {.action = rule_.action(), .for_job = {}}); }
  void unplace() {
    for (PodId p : batch_.pods) {
      const PodRow& pod = world_.pod(p);
      if (!pod.promised_node.is_none()) {
        world_.unpromise(p);
      } else if (!pod.node.is_none()) {
        world_.unbind(p);
      }
    }
  }
  std::size_t pods_taken() const {
    std::size_t n = 0;
    for (const Taken& t : taken_) n += t.unit.pods.size();
    return n;
  }

  void take(const order::Unit& unit) {
    Taken t{unit, {}, false, {}};
    for (PodId p : unit.pods) {
      t.was.push_back(world_.pod(p).state);
      t.charge += world_.charge(p);
      world_.evict(p, rule_.action(), job_);
      slots_->renew(world_.pod(p).node);
    }
    taken_.push_back(std::move(t));
  }
  void give_back(const Taken& t) {
    for (std::size_t i = 0; i < t.unit.pods.size(); ++i) {
      world_.unpromise(t.unit.pods[i]);
      world_.unevict(t.unit.pods[i], t.was[i]);
      slots_->renew(world_.pod(t.unit.pods[i]).node);
    }
  }

  // Takes units until the batch has a place. Counting comes first; a batch that fits by count but not in truth is tried
  // again after every eighth more.
  bool walk_on(order::Giving& giving) {
    if (!taken_.empty() && slots_->suffice() && try_place()) return true;
    std::size_t next_try = taken_.size() + 1;
    for (JobId v = giving.next(); !v.is_none(); v = giving.next()) {
      order::Unit unit = order::next_unit(world_, v, rule_.surplus_only(v));
      if (unit.empty()) {
        giving.skip();
        continue;
      }
      take(unit);
      giving.took();
      if (!slots_->suffice() || taken_.size() < next_try) continue;
      if (try_place()) return true;
      next_try = taken_.size() + 1 + taken_.size() / 8;
    }
    return !taken_.empty() && slots_->suffice() && try_place();
  }

  // The core of a job is gone, so its surplus has nothing to run with.
  bool is_bound_to_core(std::size_t i) const {
    if (taken_[i].unit.core) return false;
    for (std::size_t k = i + 1; k < taken_.size(); ++k)
      if (taken_[k].unit.job == taken_[i].unit.job && taken_[k].unit.core) return true;
    return false;
  }

  bool hosts_batch(NodeId n) const {
    return std::any_of(batch_.pods.begin(), batch_.pods.end(), [&](PodId p) { return spot_of(p) == n; });
  }
  NodeId spot_of(PodId p) const {
    const PodRow& pod = world_.pod(p);
    return pod.promised_node.is_none() ? pod.node : pod.promised_node;
  }

  // Can the batch do without this unit? If so it is given back.
  bool can_spare(const Taken& t, bool everywhere) {
    auto mark = world_.log.mark();
    bool beside = !everywhere;
    for (PodId p : t.unit.pods) beside = beside && !hosts_batch(world_.pod(p).node);
    if (beside && !depends_on_others()) {
      give_back(t);
      world_.log.keep(mark);
      return true;
    }
    unplace();
    give_back(t);
    if (slots_->suffice() && try_place()) {
      world_.log.keep(mark);
      return true;
    }
    world_.log.rollback(mark);
    for (PodId p : t.unit.pods) slots_->renew(world_.pod(p).node);
    return false;
  }
  bool depends_on_others() const {
    return std::any_of(batch_.pods.begin(), batch_.pods.end(),
                       [&](PodId p) { return fit::guest(world_, p).depends_on_others(); });
  }

  // From the last taken, who matters most, to the first.
  void give_back_unneeded() {
    for (std::size_t i = taken_.size(); i-- > 0;) {
      if (is_bound_to_core(i)) continue;
      if (can_spare(taken_[i], false)) taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  // Victims that fit elsewhere are moved there instead of waiting. Most entitled first.
  void move_victims() {
    std::vector<order::Standing> left;
    for (const Taken& t : taken_) {
      JobId v = t.unit.job;
      if (std::any_of(left.begin(), left.end(), [&](const auto& s) { return s.job == v; })) continue;
      const JobRow& job = world_.job(v);
      left.push_back({job.noun.priority, order::elasticity(world_, v), job.noun.created.ms, v});
    }
    std::sort(left.begin(), left.end(), order::ByStanding(world_));
    // By queue: whose turn comes first, as long as somebody is left.
    order::QueueHeap heap(world_, order::Direction::Serve);
    std::map<QueueId, std::deque<JobId>> lanes;
    for (const auto& s : left) lanes[world_.job(s.job).queue].push_back(s.job);
    auto renew = [&](QueueId q) {
      if (lanes[q].empty()) return heap.drop(q);
      order::Next next;
      for (const Taken& t : taken_)
        if (t.unit.job == lanes[q].front()) next.takes += t.charge;
      heap.set(q, next);
    };
    for (const auto& [q, jobs] : lanes) renew(q);
    for (QueueId q = heap.best(); !q.is_none(); q = heap.best()) {
      JobId v = lanes[q].front();
      lanes[q].pop_front();
      move_job(v);
      renew(q);
    }
  }
  void move_job(JobId v) {
    // The core as one, then the surplus in the order in which it would have been placed.
    bool core_gone = false;
    for (Taken& t : taken_) {
      if (t.unit.job != v || !t.unit.core) continue;
      t.moved = move_pods(v, t.unit.pods);
      core_gone = !t.moved;
    }
    if (core_gone) return;
    for (std::size_t i = taken_.size(); i-- > 0;)
      if (taken_[i].unit.job == v && !taken_[i].unit.core) taken_[i].moved = move_pods(v, taken_[i].unit.pods);
  }
  bool move_pods(JobId v, const std::vector<PodId>& pods) {
    order::Batch moving;
    moving.pods = pods;
    return place(world_, v, moving,
                 {.action = rule_.action(), .for_job = job_, .promise_only = true, .over_limit = true});
  }

  bool is_ruled_out(JobId v) const {
    return std::any_of(ruled_out_.begin(), ruled_out_.end(), [&](JobId r) { return rule_.shares_fate(r, v); });
  }
  // Back to the units that the rule accepts, less everything that shares the refused one's fate from there on.
  void rule_out(std::size_t refused) {
    JobId bad = taken_[refused].unit.job;
    ruled_out_.push_back(bad);
    unplace();
    for (Taken& t : taken_) {
      if (!t.moved) continue;
      for (PodId p : t.unit.pods) world_.unpromise(p);
      t.moved = false;
    }
    for (std::size_t i = taken_.size(); i-- > refused;) {
      if (!rule_.shares_fate(bad, taken_[i].unit.job)) continue;
      give_back(taken_[i]);
      taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  Turn& turn_;
  World& world_;
  JobId job_;
  const order::Batch& batch_;
  const VictimRule& rule_;
  PoolId pool_;
  std::optional<Slots> slots_;
  std::vector<Taken> taken_;
  std::vector<JobId> ruled_out_;
};

}  // namespace

bool make_room(Turn& turn, JobId j, const order::Batch& batch, const VictimRule& rule) {
  auto mark = turn.world.log.mark();
  if (Search(turn, j, batch, rule).run()) {
    turn.world.log.keep(mark);
    return true;
  }
  turn.world.log.rollback(mark);
  return false;
}

std::vector<QueueId> admitted_queues(const Turn& turn, JobId j, const VictimRule& rule) {
  std::vector<QueueId> out;
  for (QueueId q : turn.lines.leaves(turn.world.queue(turn.world.job(j).queue).pool))
    if (!turn.lines.leaf(q).holders.empty() && rule.admits_queue(q)) out.push_back(q);
  return out;
}

}  // namespace muster::sched::act
