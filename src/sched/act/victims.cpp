#include "sched/act/victims.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "sched/act/emptying.h"
#include "sched/act/limits.h"
#include "sched/act/place.h"
#include "sched/act/reach.h"
#include "sched/act/slots.h"
#include "sched/fit/fit.h"
#include "sched/order/giving.h"
#include "sched/order/rules.h"
#include "sched/order/signature.h"

namespace muster::sched::act {

namespace {

// Up to so many (units x pods) a search tries every unit once more with the whole batch placed anew.
constexpr std::size_t tried_everywhere = 256;
// Units that are taken before it is counted whether all there are would do.
constexpr std::size_t counted_after = 32;

class Search {
 public:
  Search(Turn& turn, JobId j, const order::Batch& batch, const VictimRule& rule)
      : turn_(turn),
        world_(turn.world),
        job_(j),
        batch_(batch),
        rule_(rule),
        pool_(world_.queue(world_.job(j).queue).pool) {}

  // `counted`: devices are counted before anybody is taken. Else a search that takes many stops there, and was cut.
  bool run(bool counted) {
    counted_ = counted;
    // What others have left in this round goes to whom the rule would let take it. Else the next round decides, in the
    // order of the queues.
    if (try_place()) return rule_.may_fill();
    std::vector<QueueId> leaves = admitted_queues(turn_, job_, rule_);
    if (leaves.empty() || is_short(leaves)) return false;
    const bool counts = !depends_on_others() && !has_topology();
    const bool known_none = batch_.pods.size() == 1 && counts;
    if (rule_.only_moves() && counts && is_of_whole_devices() && !is_small(leaves)) return empty_nodes(known_none);
    if (counted_ || !turn_.in_vain.empty()) question_ = question(leaves);
    if (turn_.in_vain.contains(question_)) return false;
    if (counted_ && is_out_of_reach(leaves)) return false;
    leaves_ = &leaves;
    order::Giving giving(world_, turn_.lines, leaves, [this](JobId v) { return may_ask(v); });
    slots_.emplace(world_, batch_, pool_, known_none);
    if (rule_.only_moves()) units_left_ = static_cast<std::size_t>(world_.config.consolidation_walk);
    return finish([&] {
      // A search that only moves is short by itself: counting everything would take longer.
      was_cut_ = !counted_ && !rule_.only_moves() && taken_.size() >= counted_after;
      if (was_cut_) return false;
      for (; units_left_ > 0; --units_left_) {
        const JobId v = giving.next();
        if (v.is_none()) return false;
        order::Unit unit = order::next_unit(world_, v, rule_.surplus_only(v));
        if (unit.empty() || order::exceeds_budget(world_, unit)) {
          giving.skip();
          continue;
        }
        take(unit);
        giving.took();
        --units_left_;
        return true;
      }
      return false;
    });
  }

  bool was_cut() const { return was_cut_; }
  const std::string& question() const { return question_; }

 private:
  // Takes more until the batch has a place that the rule lets it have. `more`: takes something more, or says that there
  // is nothing.
  template <class More>
  bool finish(More&& more) {
    for (;;) {
      if (!walk_on(more)) return false;
      give_back_unneeded();
      hold_back(world_, job_, batch_, {.action = rule_.action()});
      if (rule_.may_move()) move_victims(), spare_beside_moved();
      std::ptrdiff_t refused = rule_.first_refused(taken_);
      if (refused < 0) break;
      if (ruled_out_.empty()) units_left_ = static_cast<std::size_t>(world_.config.walk_after_refusal);
      rule_out(static_cast<std::size_t>(refused));
      if (counted_ && !rule_.only_moves() && is_out_of_reach(*leaves_)) return false;
    }
    if (taken_.empty() && !rule_.may_fill()) return false;
    if (pods_taken() > rule_.most_pods() || forsakes_nominated() || is_breached(world_, job_, batch_)) return false;
    for (const Taken& t : taken_) world_.job(t.unit.job).evict_message = rule_.message(t);
    return true;
  }

  // Whether counting devices says no.
  bool is_out_of_reach(const std::vector<QueueId>& leaves) const {
    return act::is_out_of_reach(world_, turn_.lines, batch_, pool_, rule_.givers(leaves),
                                [this](JobId v) { return may_ask(v); });
  }
  // All on which the search depends beside the world, as bytes; "": not to be compared with another's.
  std::string question(const std::vector<QueueId>& leaves) const {
    const JobRow& job = world_.job(job_);
    if (!rule_.asks_by_queue() || job.active > 0 || job.preemptibility != model::Preemptibility::Preemptible) return "";
    std::string out = order::signature(world_, job_, batch_);
    if (out.empty()) return out;
    auto put = [&](std::uint64_t n) { out.append(reinterpret_cast<const char*>(&n), sizeof n); };
    for (QueueId q = job.queue; !q.is_none(); q = world_.queue(q).parent) {
      for (int r = 0; r < resource_count; ++r)
        if (at(world_.queue(q).limit, r) != unlimited) return "";
      put(q == job.queue ? UINT64_MAX : q.value);
    }
    for (const Giver& g : rule_.givers(leaves)) put(g.leaf.value), put(static_cast<std::uint64_t>(g.most));
    return out;
  }

  // Where the fewest pods have to leave.
  bool empty_nodes(bool known_none) {
    slots_.emplace(world_, batch_, pool_, known_none);
    Emptying nodes(turn_, world_.pod(batch_.pods.front()).shape, pool_,
                   batch_.pods.size() + static_cast<std::size_t>(world_.config.consolidation_nodes),
                   [this](PodId p) { return may_move(p); });
    return finish([&] {
      for (auto pods = nodes.next(); pods; pods = nodes.next()) {
        if (!take_pods(*pods)) {
          nodes.refused();
          continue;
        }
        nodes.took();
        return true;
      }
      return false;
    });
  }
  // With everything that has to go with them; false: somebody cannot leave, and nothing was taken.
  bool take_pods(const std::vector<PodId>& pods) {
    const std::size_t before = taken_.size();
    for (PodId p : pods) {
      while (world_.pod(p).state != model::PodState::Releasing) {
        const JobId v = world_.pod(p).job;
        order::Unit unit = order::next_unit(world_, v, rule_.surplus_only(v));
        const bool may_go = !unit.empty() && !order::exceeds_budget(world_, unit);
        if (may_go && pods_taken() + unit.pods.size() <= rule_.most_pods()) {
          take(unit);
          continue;
        }
        while (taken_.size() > before) {
          give_back(taken_.back());
          taken_.pop_back();
        }
        return false;
      }
    }
    return true;
  }
  bool may_ask(JobId v) const { return v != job_ && rule_.admits_job(v) && !is_ruled_out(v); }
  bool may_move(PodId p) const {
    const PodRow& pod = world_.pod(p);
    if (pod.job.is_none() || !order::is_evictable(world_, p)) return false;
    const JobRow& job = world_.job(pod.job);
    return job.preemptible() && turn_.lines.holds(pod.job) && world_.queue(job.queue).pool == pool_ && may_ask(pod.job);
  }
  bool is_of_whole_devices() const {
    const ShapeId shape = world_.pod(batch_.pods.front()).shape;
    return world_.shape(shape).gpu().kind == model::GpuRequest::Kind::Whole &&
           std::all_of(batch_.pods.begin(), batch_.pods.end(), [&](PodId p) { return world_.pod(p).shape == shape; });
  }
  // Few enough run to try them all.
  bool is_small(const std::vector<QueueId>& leaves) const {
    std::size_t jobs = 0;
    for (QueueId q : leaves) jobs += turn_.lines.leaf(q).holders.size();
    return jobs <= static_cast<std::size_t>(world_.config.consolidation_walk);
  }
  // A certain "no" by counting: what is free and what could be given up is less than what is needed.
  bool is_short(const std::vector<QueueId>& leaves) const {
    std::int64_t need = 0;
    for (PodId p : batch_.pods) {
      const Shape& s = world_.shape_of(p);
      if (s.gpu().kind == model::GpuRequest::Kind::Memory || s.gpu().kind == model::GpuRequest::Kind::Mig) return false;
      need += world_.demand(s, pool_).gpu;
    }
    std::int64_t free = world_.pool(pool_).free_gpu;
    if (need <= free) return false;
    return rule_.most_gpus(leaves, need - free) < need - free;
  }

  bool try_place() { return place(world_, job_, batch_, {.action = rule_.action(), .for_job = {}}); }
  void unplace(const std::vector<PodId>& pods) {
    for (PodId p : pods) {
      const PodRow& pod = world_.pod(p);
      const NodeId n = spot_of(p);
      if (!pod.promised_node.is_none()) {
        world_.unpromise(p);
      } else if (!pod.node.is_none()) {
        world_.unbind(p);
      }
      // Fewer slots than there are would end a search that has a place.
      if (!n.is_none()) slots_->renew(n);
    }
  }
  std::size_t pods_taken() const {
    std::size_t n = 0;
    for (const Taken& t : taken_) n += t.unit.pods.size();
    return n;
  }

  // Whether somebody was nominated to be beside a pod that is taken, and would find nobody like it there.
  bool forsakes_nominated() const {
    for (const Taken& t : taken_)
      for (PodId p : t.unit.pods)
        for (TermId id : world_.pod(p).terms) {
          const Term& term = world_.domains[id];
          std::int32_t d = world_.domains.of(term.key, world_.pod(p).node);
          if (d == no_domain) continue;
          if (term.relied[static_cast<std::size_t>(d)] > 0 && term.future[static_cast<std::size_t>(d)] == 0)
            return true;
        }
    return false;
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
  template <class More>
  bool walk_on(More&& more) {
    if (!taken_.empty() && slots_->suffice() && try_place()) return true;
    std::size_t next_try = taken_.size() + 1;
    while (more()) {
      if (!slots_->suffice() || taken_.size() < next_try) continue;
      if (try_place()) return true;
      next_try = taken_.size() + 1 + taken_.size() / 8;
    }
    return !taken_.empty() && slots_->suffice() && try_place();
  }

  NodeId spot_of(PodId p) const {
    const PodRow& pod = world_.pod(p);
    return pod.promised_node.is_none() ? pod.node : pod.promised_node;
  }
  void map_guests() {
    guests_.clear();
    for (PodId p : batch_.pods) guests_[spot_of(p)].push_back(p);
  }
  bool has_room_again(const Taken& t) const {
    for (std::size_t i = 0; i < t.unit.pods.size(); ++i) {
      NodeId n = world_.pod(t.unit.pods[i]).node;
      if (fit::slots(world_, world_.shape_of(t.unit.pods[i]), n, fit::When::Later) < 1) return false;
    }
    return true;
  }

  // Whether a victim that was moved has taken what the unit, given back, would hold.
  bool sits_on_moved(const Taken& t) const {
    if (!beside_moved_) return false;
    for (PodId p : t.unit.pods) {
      const PodRow& pod = world_.pod(p);
      for (std::uint64_t m = pod.devices; m != 0; m &= m - 1) {
        const DeviceRow& d = world_.device(pod.node, std::countr_zero(m));
        if (d.future > d.capacity) return true;
      }
      for (auto [dim, amount] : world_.shape_of(p).need)
        if (amount > 0 && world_.future(pod.node, dim) < 0) return true;
    }
    return false;
  }

  // Can the batch do without this unit, its pods staying on their nodes? If so it is given back.
  bool can_spare(const Taken& t) {
    if (depends_on_others_) return can_spare_anywhere(t);
    std::vector<NodeId> shared;
    for (PodId p : t.unit.pods) {
      NodeId n = world_.pod(p).node;
      if (guests_.contains(n) && std::find(shared.begin(), shared.end(), n) == shared.end()) shared.push_back(n);
    }
    if (!shared.empty() && !has_room_again(t)) return false;
    auto mark = world_.log.mark();
    for (NodeId n : shared) unplace(guests_[n]);
    give_back(t);
    bool ok = true;
    for (NodeId n : shared)
      for (PodId p : guests_[n]) ok = ok && put_back(p, n);
    // What a memory request costs depends on its device, so the limit is asked again with everybody back.
    if (ok && !sits_on_moved(t) && !is_breached(world_, job_, batch_)) {
      world_.log.keep(mark);
      return true;
    }
    world_.log.rollback(mark);
    for (PodId p : t.unit.pods) slots_->renew(world_.pod(p).node);
    return false;
  }
  bool put_back(PodId p, NodeId n) {
    const fit::Guest guest = fit::guest(world_, p);
    const Placement strategy = world_.config.devices.value_or(world_.pool(pool_).gpu);
    for (fit::When when : {fit::When::Now, fit::When::Later}) {
      if (!fit::fits_beside(world_, guest, n, when)) continue;
      auto mask = fit::choose_devices(world_, guest.shape, n, when, strategy);
      if (!mask) continue;
      if (when == fit::When::Now) {
        world_.bind(p, n, *mask, rule_.action());
      } else {
        world_.promise(p, n, *mask, rule_.action(), JobId{});
      }
      return true;
    }
    return false;
  }
  bool can_spare_anywhere(const Taken& t) {
    auto mark = world_.log.mark();
    unplace(batch_.pods);
    give_back(t);
    if (!sits_on_moved(t) && slots_->suffice() && try_place() && !is_breached(world_, job_, batch_)) {
      world_.log.keep(mark);
      return true;
    }
    world_.log.rollback(mark);
    for (PodId p : t.unit.pods) slots_->renew(world_.pod(p).node);
    return false;
  }
  bool has_topology() const {
    const JobRow& job = world_.job(job_);
    return job.noun.segments || std::any_of(job.groups.begin(), job.groups.end(),
                                            [&](GroupId g) { return world_.group(g).topology.has_value(); });
  }
  bool depends_on_others() const {
    return std::any_of(batch_.pods.begin(), batch_.pods.end(),
                       [&](PodId p) { return fit::guest(world_, p).depends_on_others(); });
  }

  // From the last taken, who matters most, to the first.
  void give_back_unneeded() {
    map_guests();
    depends_on_others_ = depends_on_others();
    spare([this](const Taken& t) { return can_spare(t); });
    // The batch might do with less on other nodes.
    if (taken_.size() * batch_.pods.size() <= tried_everywhere)
      spare([this](const Taken& t) { return can_spare_anywhere(t); });
  }
  template <class Test>
  void spare(Test&& test) {
    std::vector<bool> spared(taken_.size());
    std::unordered_set<JobId> cores;  // jobs whose core stays taken: their surplus has nothing to run with
    for (std::size_t i = taken_.size(); i-- > 0;) {
      const Taken& t = taken_[i];
      spared[i] = (t.unit.core || !cores.contains(t.unit.job)) && test(t);
      if (t.unit.core && !spared[i] && !t.moved) cores.insert(t.unit.job);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < taken_.size(); ++i)
      if (!spared[i]) {
        if (kept != i) taken_[kept] = std::move(taken_[i]);
        ++kept;
      }
    taken_.resize(kept);
  }

  // Whether a single pod's own devices are as free as it left them: nobody was moved there.
  bool is_place_free(const Taken& t) const {
    if (t.unit.pods.size() != 1) return false;
    const PodRow& pod = world_.pod(t.unit.pods.front());
    const Shape& s = world_.shape(pod.shape);
    const bool has_devices = s.gpu().devices > 0 && s.gpu().kind != model::GpuRequest::Kind::Mig;
    return has_room_again(t) && (!has_devices || fit::have_room(world_, s, pod.node, pod.devices, fit::When::Later));
  }
  // Where a core is only moved, what is above it may stay as well.
  void spare_beside_moved() {
    std::unordered_set<JobId> moved;
    for (const Taken& t : taken_)
      if (t.unit.core && t.moved) moved.insert(t.unit.job);
    if (moved.empty()) return;
    map_guests();
    beside_moved_ = true;
    const bool anywhere = taken_.size() * batch_.pods.size() <= tried_everywhere;
    spare([&](const Taken& t) {
      if (t.unit.core || t.moved || !moved.contains(t.unit.job) || !is_place_free(t)) return false;
      return can_spare(t) || (anywhere && can_spare_anywhere(t));
    });
    beside_moved_ = false;
  }

  // Victims that fit elsewhere are moved there instead of waiting. Most entitled first.
  void move_victims() {
    struct Victim {
      order::Standing standing;
      std::vector<std::size_t> units;
      model::Resources charge;
    };
    std::unordered_map<JobId, std::size_t> known;
    std::vector<Victim> victims;
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      JobId v = taken_[i].unit.job;
      auto [it, fresh] = known.emplace(v, victims.size());
      const JobRow& job = world_.job(v);
      if (fresh) victims.push_back({{job.noun.priority, order::elasticity(world_, v), job.noun.created.ms, v}, {}, {}});
      victims[it->second].units.push_back(i);
      victims[it->second].charge += taken_[i].charge;
    }
    order::ByStanding earlier(world_);
    std::sort(victims.begin(), victims.end(),
              [&](const Victim& a, const Victim& b) { return earlier(a.standing, b.standing); });
    // By queue: whose turn comes first, as long as somebody is left.
    order::QueueHeap heap(world_, order::Direction::Serve);
    std::map<QueueId, std::deque<std::size_t>> lanes;
    for (std::size_t i = 0; i < victims.size(); ++i) lanes[world_.job(victims[i].standing.job).queue].push_back(i);
    auto renew = [&](QueueId q, const std::deque<std::size_t>& lane) {
      lane.empty() ? heap.drop(q) : heap.set(q, {victims[lane.front()].charge, {}});
    };
    for (const auto& [q, lane] : lanes) renew(q, lane);
    for (QueueId q = heap.best(); !q.is_none(); q = heap.best()) {
      auto& lane = lanes[q];
      const Victim& v = victims[lane.front()];
      lane.pop_front();
      move_job(v.standing.job, v.units);
      renew(q, lane);
    }
  }
  void move_job(JobId v, const std::vector<std::size_t>& units) {
    // The core as one, then the surplus in the order in which it would have been placed.
    for (std::size_t i : units) {
      if (!taken_[i].unit.core) continue;
      taken_[i].moved = move_pods(v, taken_[i]);
      if (!taken_[i].moved) return;
    }
    for (std::size_t k = units.size(); k-- > 0;)
      if (Taken& t = taken_[units[k]]; !t.unit.core) t.moved = move_pods(v, t);
  }
  bool move_pods(JobId v, const Taken& t) {
    order::Batch moving;
    moving.pods = t.unit.pods;
    if (!place(world_, v, moving,
               {.action = rule_.action(), .for_job = job_, .promise_only = true, .over_limit = true}))
      return false;
    // A consolidation adds nothing to a queue, unless a memory request gets a dearer device; for the others, who had to
    // leave for a limit does not come back beside it.
    std::int64_t gpu = 0;
    for (PodId p : t.unit.pods) gpu += world_.charge(p).gpu;
    bool adds = rule_.action() != model::Action::Consolidate || gpu > t.charge.gpu;
    if (!adds || !is_breached(world_, v, moving)) return true;
    for (PodId p : t.unit.pods) world_.unpromise(p);
    return false;
  }

  bool is_ruled_out(JobId v) const {
    return std::any_of(ruled_out_.begin(), ruled_out_.end(), [&](JobId r) { return rule_.shares_fate(r, v); });
  }
  // Back to the units that the rule accepts, less everything that shares the refused one's fate from there on.
  void rule_out(std::size_t refused) {
    JobId bad = taken_[refused].unit.job;
    ruled_out_.push_back(bad);
    unplace(batch_.pods);
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
  std::unordered_map<NodeId, std::vector<PodId>> guests_;  // the batch by node
  bool depends_on_others_ = false;
  bool beside_moved_ = false;
  std::vector<JobId> ruled_out_;
  std::size_t units_left_ = SIZE_MAX;
  bool counted_ = false, was_cut_ = false;
  const std::vector<QueueId>* leaves_ = nullptr;
  std::string question_;
};

}  // namespace

namespace {

// A certain "no" of a rule that only moves: on whatever nodes, more pods would have to leave than it lets move.
bool moves_too_many(World& world, JobId j, const order::Batch& batch, const VictimRule& rule) {
  if (!rule.only_moves() || batch.empty()) return false;
  const PoolId pool = world.queue(world.job(j).queue).pool;
  std::map<ShapeId, std::int64_t> wanted;
  for (PodId p : batch.pods) ++wanted[world.pod(p).shape];
  std::int64_t fewest = 0;
  for (const auto& [s, count] : wanted) {
    const Shape& shape = world.shape(s);
    if (shape.gpu().kind != model::GpuRequest::Kind::Whole || shape.gpu().devices == 0) continue;
    fewest = std::max(fewest, world.clearings.fewest(world, pool, world.classes[shape.klass.value].nodes,
                                                     shape.gpu().devices, count));
  }
  return fewest == INT64_MAX || static_cast<std::size_t>(fewest) > rule.most_pods();
}

}  // namespace

bool make_room(Turn& turn, JobId j, const order::Batch& batch, const VictimRule& rule) {
  if (moves_too_many(turn.world, j, batch, rule)) return false;
  // Most searches need a few victims; only a longer one is worth the counting.
  for (bool counted : {false, true}) {
    auto mark = turn.world.log.mark();
    Search search(turn, j, batch, rule);
    if (search.run(counted)) {
      turn.world.log.keep(mark);
      turn.in_vain.clear();
      return true;
    }
    turn.world.log.rollback(mark);
    if (search.was_cut()) continue;
    if (!search.question().empty()) turn.in_vain.insert(search.question());
    return false;
  }
  return false;
}

std::vector<QueueId> admitted_queues(const Turn& turn, JobId j, const VictimRule& rule) {
  std::vector<QueueId> out;
  for (QueueId q : turn.lines.leaves(turn.world.queue(turn.world.job(j).queue).pool))
    if (!turn.lines.leaf(q).holders.empty() && rule.admits_queue(q)) out.push_back(q);
  return out;
}

}  // namespace muster::sched::act
