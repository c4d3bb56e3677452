#include "sched/explain/obstacle.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "sched/act/limits.h"
#include "sched/act/place.h"
#include "sched/act/reclaim.h"
#include "sched/act/runtime.h"
#include "sched/explain/shortage.h"
#include "sched/explain/words.h"
#include "sched/fit/fit.h"
#include "sched/order/giving.h"
#include "sched/order/signature.h"
#include "sched/order/unit.h"
#include "sched/rank/domains.h"

namespace muster::sched::explain {

using model::Reason;
using model::Resources;
using model::Verdict;

namespace {

std::string shown(const QueueRow& q) { return q.noun.display_name.empty() ? q.noun.name : q.noun.display_name; }

// Everything taken back at the end.
class WhatIf {
 public:
  explicit WhatIf(World& world) : world_(world), mark_(world.log.mark()) {}
  ~WhatIf() { world_.log.rollback(mark_); }
  WhatIf(const WhatIf&) = delete;
  WhatIf& operator=(const WhatIf&) = delete;

 private:
  World& world_;
  UndoLog::Mark mark_;
};

bool fits(World& world, JobId j, const order::Batch& batch, bool topology) {
  act::Placing how;
  how.over_limit = true;
  how.ignore_topology = !topology;
  WhatIf here(world);
  return act::place(world, j, batch, how);
}

// Somebody less important in the own queue holds something.
bool has_less_important(const act::Turn& turn, JobId j) {
  const auto& holders = turn.lines.leaf(turn.world.job(j).queue).holders;
  return !holders.empty() && holders.rbegin()->priority < turn.world.job(j).noun.priority;
}

// Preemptible work in another queue.
bool has_others(const act::Turn& turn, JobId j, PoolId pool) {
  for (QueueId q : turn.lines.leaves(pool))
    if (q != turn.world.job(j).queue && !turn.lines.leaf(q).holders.empty()) return true;
  return false;
}

bool requires_topology(const World& world, JobId j) {
  const JobRow& job = world.job(j);
  if (job.noun.segments && !job.noun.segments->required.empty()) return true;
  return std::any_of(job.groups.begin(), job.groups.end(),
                     [&](GroupId g) { return world.group(g).topology && !world.group(g).topology->required.empty(); });
}

bool fits_when_empty(World& world, const order::Batch& batch, PoolId pool) {
  std::map<ShapeId, std::int64_t> wanted;
  for (PodId p : batch.pods) ++wanted[world.pod(p).shape];
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& w) { return fit::slots_when_empty(world, w.first, pool) >= w.second; });
}

Verdict topology_verdict(const World& world, JobId j, const order::Batch& batch, PoolId pool) {
  Verdict v;
  v.reason = Reason::TopologyUnsatisfied;
  for (GroupId g : world.job(j).groups) {
    const auto& wanted = world.group(g).topology;
    if (!wanted || wanted->required.empty()) continue;
    rank::Constraint c = rank::constraint_of(world, *wanted);
    if (c.impossible) {
      v.message = c.topology == nullptr
                      ? fmt::format("topology \"{}\" does not exist", wanted->topology)
                      : fmt::format("topology \"{}\" has no level \"{}\"", wanted->topology, wanted->required);
      return v;
    }
    // The domain with room for most of the group.
    const Shape& shape = world.shape_of(batch.pods.front());
    std::int64_t best = -1;
    std::string name;
    for (const DomainRow& d : c.topology->domains) {
      if (d.level != c.required) continue;
      std::int64_t slots = 0;
      (world.classes[shape.klass.value].nodes & world.pool(pool).nodes & d.nodes).each([&](NodeId n) {
        slots += fit::slots(world, shape, n, fit::When::Later);
      });
      if (slots > best) best = slots, name = d.name;
    }
    auto need = static_cast<std::int64_t>(batch.pods.size());
    v.numbers = {{"need", static_cast<double>(need)}, {"have", static_cast<double>(std::max<std::int64_t>(best, 0))}};
    v.message = best < 0 ? fmt::format("no node carries the label \"{}\"", wanted->required)
                         : fmt::format("needs {} in one {}; the best, \"{}\", has room for {}", count_of(need, "pod"),
                                       wanted->required, name, best);
    return v;
  }
  v.message = "does not fit into one domain of its topology";
  return v;
}

std::int64_t free_of(const World& world, PoolId pool, int r) {
  if (r == 0) return world.pool(pool).free_gpu;
  DimId dim = 0;
  while (dim < world.dims.size() && world.dims.name(dim) != world.resource_name(r)) ++dim;
  if (r < 3) dim = r == 1 ? dim_cpu : dim_memory;
  std::int64_t free = 0;
  if (dim < world.dims.size())
    world.pool(pool).nodes.each([&](NodeId n) { free += std::max<std::int64_t>(0, world.future(n, dim)); });
  return free;
}

Verdict refusal_verdict(const World& world, const act::Refusal& r, std::int64_t free) {
  const QueueRow& q = world.queue(r.queue);
  Verdict v;
  v.reason = Reason::ReclaimNotAllowed;
  v.queue = q.noun.name;
  v.resource = world.resource_name(r.resource);
  v.numbers = {{"need", number(r.resource, r.need)},
               {"allocated", number(r.resource, r.allocated)},
               {"fairShare", number(r.resource, r.fair_share)},
               {"have", number(r.resource, free)}};
  if (at(q.quota, r.resource) != unlimited) v.numbers["quota"] = number(r.resource, at(q.quota, r.resource));
  const std::string uses = fmt::format("it uses {} of its fair share of {}", plain(r.resource, r.allocated),
                                       plain(r.resource, r.fair_share));
  v.message = free <= 0 ? fmt::format("nothing is free, and \"{}\" may not take from others: {} and needs {} more",
                                      shown(q), uses, amount(world, r.resource, r.need))
                        : fmt::format("needs {}; {} free, and \"{}\" may not take the rest from others: {}",
                                      amount(world, r.resource, r.need), plain(r.resource, free), shown(q), uses);
  return v;
}

// What others would have to give up by the rules, all of it: queue by queue until each is down to what it may keep.
std::int64_t takeable(act::Turn& turn, JobId j, const Resources& need, bool may_reclaim, int r) {
  World& world = turn.world;
  std::int64_t sum = 0;
  if (may_reclaim) {
    WhatIf here(world);
    auto rule = act::reclaim_rule(turn, j, need);
    order::Giving giving(world, turn.lines, act::admitted_queues(turn, j, *rule), [](JobId) { return true; });
    for (JobId v = giving.next(); !v.is_none(); v = giving.next()) {
      if (!rule->admits_more(world.job(v).queue)) {
        giving.skip_queue();
        continue;
      }
      order::Unit unit = order::next_unit(world, v, rule->surplus_only(v), order::Fresh::Take);
      if (order::exceeds_budget(world, unit)) unit.pods.clear();
      for (PodId p : unit.pods) {
        sum += at(world.charge(p), r);
        world.evict(p, model::Action::Reclaim, JobId{});
      }
      unit.empty() ? giving.skip() : giving.took();
    }
  }
  const auto& own = turn.lines.leaf(world.job(j).queue).holders;
  for (auto it = own.rbegin(); it != own.rend() && it->priority < world.job(j).noun.priority; ++it) {
    if (act::is_guaranteed_from_preempt(turn, it->job)) continue;
    order::Unit all{it->job, {}, true};
    for (PodId p : world.job(it->job).pods)
      if (order::is_evictable(world, p, order::Fresh::Take)) all.pods.push_back(p);
    if (order::exceeds_budget(world, all)) continue;
    for (PodId p : all.pods) sum += at(world.charge(p), r);
  }
  return sum;
}

// The first resource of which too little is free; else the first that is asked for.
int scarcest(const World& world, PoolId pool, const Resources& need) {
  int asked = -1;
  for (int r = 0; r < resource_count; ++r) {
    if (at(need, r) == 0) continue;
    if (free_of(world, pool, r) < at(need, r)) return r;
    if (asked < 0) asked = r;
  }
  return std::max(asked, 0);
}

Verdict victims_verdict(act::Turn& turn, JobId j, const order::Batch& batch, PoolId pool, bool may_reclaim) {
  const World& world = turn.world;
  const Resources need = order::demand_of(world, batch.pods);
  const int r = scarcest(world, pool, need);
  const std::int64_t free = free_of(world, pool, r);
  std::int64_t taken = takeable(turn, j, need, may_reclaim, r);
  const QueueRow& q = world.queue(world.job(j).queue);
  Verdict v;
  v.reason = Reason::VictimsInsufficient;
  v.queue = q.noun.name;
  v.resource = world.resource_name(r);
  v.numbers = {{"need", number(r, at(need, r))}, {"have", number(r, free + taken)}};
  v.message = fmt::format("needs {}; {} free and {} more could be taken from others by the rules",
                          amount(world, r, at(need, r)), plain(r, free), plain(r, taken));
  if (free + taken >= at(need, r)) v.message += ", but not on nodes where it fits together";
  return v;
}

}  // namespace

bool finds_room(act::Turn& turn, JobId j, const order::Batch& batch) {
  World& world = turn.world;
  bool by_memory = false;
  std::int64_t need = 0;
  for (PodId p : batch.pods) {
    const Shape& s = world.shape_of(p);
    by_memory = by_memory || s.gpu().kind == model::GpuRequest::Kind::Memory;
    if (s.gpu().kind != model::GpuRequest::Kind::Mig) need += world.demand(s, PoolId{}).gpu;
  }
  if (!by_memory) {
    if (need > world.pool(world.queue(world.job(j).queue).pool).free_gpu) return false;
    std::string needs = order::signature(world, j, batch);
    if (!needs.empty() && turn.hopeless.contains(needs)) return false;
  }
  return fits(world, j, batch, true);
}

std::optional<act::Breach> breach_where_it_fits(World& world, JobId j, const order::Batch& batch) {
  WhatIf here(world);
  if (act::place(world, j, batch, {})) return std::nullopt;
  act::Placing how;
  how.over_limit = true;
  if (!act::place(world, j, batch, how)) return std::nullopt;
  const JobRow& job = world.job(j);
  const bool guards = job.preemptibility == model::Preemptibility::NonPreemptible ||
                      (job.preemptibility == model::Preemptibility::SemiPreemptible && batch.core);
  std::int64_t need = 0;
  for (PodId p : batch.pods) need += world.charge(p).gpu;
  for (QueueId q = world.job(j).queue; !q.is_none(); q = world.queue(q).parent) {
    const QueueRow& row = world.queue(q);
    if (row.limit.gpu != unlimited && row.allocated.gpu > row.limit.gpu)
      return act::Breach{q, 0, false, row.limit.gpu, row.allocated.gpu - need, need};
    if (guards && row.quota.gpu != unlimited && row.guarded.gpu > row.quota.gpu)
      return act::Breach{q, 0, true, row.quota.gpu, row.guarded.gpu - need, need};
  }
  return std::nullopt;
}

Reason obstacle_of(act::Turn& turn, JobId j, const order::Batch& batch) {
  World& world = turn.world;
  PoolId pool = world.queue(world.job(j).queue).pool;
  if (!fits_when_empty(world, batch, pool)) return Reason::InsufficientResources;
  if (requires_topology(world, j) && fits(world, j, batch, false) && !fits(world, j, batch, true))
    return Reason::TopologyUnsatisfied;
  bool own = has_less_important(turn, j);
  if (!own && !has_others(turn, j, pool)) return Reason::InsufficientResources;
  if (!own && act::reclaim_refusal(world, j, batch)) return Reason::ReclaimNotAllowed;
  return Reason::VictimsInsufficient;
}

Verdict obstacle(act::Turn& turn, JobId j, const order::Batch& batch, Reason reason) {
  World& world = turn.world;
  PoolId pool = world.queue(world.job(j).queue).pool;
  auto refusal = act::reclaim_refusal(world, j, batch);
  if (reason == Reason::InsufficientResources) return insufficient_resources(world, batch, pool);
  if (reason == Reason::TopologyUnsatisfied) return topology_verdict(world, j, batch, pool);
  if (reason == Reason::ReclaimNotAllowed && refusal)
    return refusal_verdict(world, *refusal, free_of(world, pool, refusal->resource));
  return victims_verdict(turn, j, batch, pool, !refusal);
}

}  // namespace muster::sched::explain
