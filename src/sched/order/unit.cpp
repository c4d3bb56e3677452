#include "sched/order/unit.h"

#include "sched/order/batch.h"

namespace muster::sched::order {

using model::PodState;

bool is_evictable(const World& world, PodId p, Fresh fresh) {
  const PodRow& pod = world.pod(p);
  if (!pod.promised_node.is_none() || pod.node.is_none() || pod.foreign) return false;
  switch (pod.state) {
    case PodState::Allocated:
    case PodState::Binding:
    case PodState::Bound:
    case PodState::Running:
      return fresh == Fresh::Take || !world.placed_this_round(p);
    default:
      return false;
  }
}

namespace {

void add_all(World& world, GroupId g, Fresh fresh, std::vector<PodId>& out) {
  world.sort_pods(g);
  const GroupRow& row = world.group(g);
  for (GroupId child : row.children) add_all(world, child, fresh, out);
  for (PodId p : row.pods)
    if (is_evictable(world, p, fresh)) out.push_back(p);
}

// The last pod of the leaf that is furthest above its minimum.
PodId surplus_pod(World& world, GroupId g, Fresh fresh) {
  const GroupRow& row = world.group(g);
  if (row.is_leaf()) {
    if (row.active <= world.minimum(row)) return {};
    world.sort_pods(g);
    for (std::size_t i = row.pods.size(); i-- > 0;)
      if (is_evictable(world, row.pods[i], fresh)) return row.pods[i];
    return {};
  }
  std::vector<GroupId> children = by_need(world, row.children);
  for (std::size_t i = children.size(); i-- > 0;) {
    PodId p = surplus_pod(world, children[i], fresh);
    if (!p.is_none()) return p;
  }
  return {};
}

// A sub-group that its parent can do without.
std::vector<PodId> surplus_group(World& world, GroupId g, Fresh fresh) {
  const GroupRow& row = world.group(g);
  std::vector<PodId> out;
  if (row.is_leaf()) return out;
  std::int32_t satisfied = 0;
  for (GroupId child : row.children) satisfied += world.is_satisfied(child) ? 1 : 0;
  std::vector<GroupId> children = by_need(world, row.children);
  for (std::size_t i = children.size(); i-- > 0 && out.empty();) {
    if (satisfied > world.minimum(row) || !world.is_satisfied(children[i])) {
      add_all(world, children[i], fresh, out);
    } else {
      out = surplus_group(world, children[i], fresh);
    }
  }
  return out;
}

}  // namespace

Unit next_unit(World& world, JobId j, bool surplus_only, Fresh fresh) {
  Unit unit;
  unit.job = j;
  const JobRow& job = world.job(j);
  if (job.active == 0 || !job.preemptible()) return unit;
  if (world.is_satisfied(job.root)) {
    if (PodId p = surplus_pod(world, job.root, fresh); !p.is_none()) {
      unit.pods.push_back(p);
      return unit;
    }
    unit.pods = surplus_group(world, job.root, fresh);
    if (!unit.pods.empty()) return unit;
  }
  if (surplus_only || job.preemptibility == model::Preemptibility::SemiPreemptible) return unit;
  for (PodId p : job.pods) {
    // A gang of which a part was placed or moved in this round is not broken up in it.
    if (fresh == Fresh::Spare && (world.placed_this_round(p) || !world.pod(p).promised_node.is_none()))
      return Unit{j, {}, false};
  }
  unit.core = true;
  add_all(world, job.root, fresh, unit.pods);
  return unit;
}

bool exceeds_budget(const World& world, const Unit& unit) {
  if (world.budgets.empty()) return false;
  std::vector<std::int32_t> going(world.budgets.size());
  for (PodId p : unit.pods)
    for (std::uint32_t b : world.pod(p).budgets)
      if (world.budgets[b].missing + ++going[b] > world.budgets[b].most) return true;
  return false;
}

}  // namespace muster::sched::order
