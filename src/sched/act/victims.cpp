#include "sched/act/victims.h"

#include <algorithm>

#include "sched/act/place.h"
#include "sched/act/slots.h"
#include "sched/fit/fit.h"
#include "sched/order/rules.h"
#include "sched/order/walk.h"

namespace muster::sched::act {

namespace {

class Search {
 public:
  Search(Turn& turn, JobId j, const order::Batch& batch, const VictimRule& rule)
      : world_(turn.world),
        job_(j),
        batch_(batch),
        rule_(rule),
        pool_(world_.queue(world_.job(j).queue).pool),
        slots_(world_, batch, pool_) {}

  bool run(const std::vector<JobId>& candidates) {
    std::vector<JobId> admitted;
    for (JobId v : candidates)
      if (v != job_ && rule_.admits(v)) admitted.push_back(v);
    order::Walk walk(world_, admitted, order::Direction::GiveWay);
    for (;;) {
      if (!walk_on(walk)) return false;
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
      slots_.renew(world_.pod(p).node);
    }
    taken_.push_back(std::move(t));
  }
  void give_back(const Taken& t) {
    for (std::size_t i = 0; i < t.unit.pods.size(); ++i) {
      world_.unpromise(t.unit.pods[i]);
      world_.unevict(t.unit.pods[i], t.was[i]);
      slots_.renew(world_.pod(t.unit.pods[i]).node);
    }
  }

  // Takes units until the batch has a place. Counting comes first; a batch that fits by count but not in truth is tried
  // again after every eighth more.
  bool walk_on(order::Walk& walk) {
    if (slots_.suffice() && try_place()) return true;
    std::size_t next_try = taken_.size() + 1;
    for (JobId v = walk.pop(); !v.is_none(); v = walk.pop()) {
      if (is_ruled_out(v)) continue;
      order::Unit unit = order::next_unit(world_, v, rule_.surplus_only(v));
      if (unit.empty()) continue;
      take(unit);
      walk.refresh(world_.job(v).queue);
      if (world_.job(v).active > 0) walk.push(v);
      if (!slots_.suffice() || taken_.size() < next_try) continue;
      if (try_place()) return true;
      next_try = taken_.size() + 1 + taken_.size() / 8;
    }
    return slots_.suffice() && try_place();
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
    if (slots_.suffice() && try_place()) {
      world_.log.keep(mark);
      return true;
    }
    world_.log.rollback(mark);
    for (PodId p : t.unit.pods) slots_.renew(world_.pod(p).node);
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
    std::vector<JobId> jobs;
    for (const Taken& t : taken_)
      if (std::find(jobs.begin(), jobs.end(), t.unit.job) == jobs.end()) jobs.push_back(t.unit.job);
    order::Walk walk(world_, jobs);
    for (JobId v = walk.pop(); !v.is_none(); v = walk.pop()) move_job(v), walk.refresh(world_.job(v).queue);
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

  World& world_;
  JobId job_;
  const order::Batch& batch_;
  const VictimRule& rule_;
  PoolId pool_;
  Slots slots_;
  std::vector<Taken> taken_;
  std::vector<JobId> ruled_out_;
};

}  // namespace

bool make_room(Turn& turn, JobId j, const order::Batch& batch, const std::vector<JobId>& candidates,
               const VictimRule& rule) {
  auto mark = turn.world.log.mark();
  Search search(turn, j, batch, rule);
  if (search.run(candidates)) {
    turn.world.log.keep(mark);
    return true;
  }
  turn.world.log.rollback(mark);
  return false;
}

std::vector<JobId> possible_victims(const World& world, PoolId pool) {
  std::vector<JobId> out;
  for (const auto& q : world.queues) {
    if (!q.live || !q.rooted || q.pool != pool) continue;
    for (JobId j : q.jobs) {
      const JobRow& job = world.job(j);
      if (job.active > 0 && job.preemptible() && !job.noun.deleted) out.push_back(j);
    }
  }
  return out;
}

}  // namespace muster::sched::act
