#include "sched/order/batch.h"

#include <algorithm>

#include "base/wide.h"

namespace muster::sched::order {

using model::PodState;

namespace {

bool waits(const World& world, PodId p) {
  return world.pod(p).state == PodState::Pending && world.pod(p).promised_node.is_none();
}

bool contains(const std::vector<GroupId>& list, GroupId g) {
  return std::find(list.begin(), list.end(), g) != list.end();
}

// Can what is missing to the group's minimum be had from pods that wait?
bool is_capable(const World& world, GroupId g, const std::vector<GroupId>& without) {
  const GroupRow& row = world.group(g);
  if (contains(without, g)) return false;
  if (world.is_satisfied(g)) return true;
  if (row.is_leaf()) return row.active + row.pending >= world.minimum(row);
  std::int32_t capable = 0;
  for (GroupId child : row.children) capable += is_capable(world, child, without) ? 1 : 0;
  return capable >= world.minimum(row);
}

void add_waiting(World& world, GroupId g, std::int32_t count, Batch& out, const std::vector<ShapeId>& unlike = {}) {
  world.sort_pods(g);
  // Pods that were nominated in the last round come first.
  for (bool claimed : {true, false}) {
    if (claimed && !world.job(world.group(g).job).claims) continue;
    for (PodId p : world.group(g).pods) {
      if (count == 0) return;
      if (!waits(world, p) || world.pod(p).claim.is_none() == claimed) continue;
      if (!unlike.empty() && std::find(unlike.begin(), unlike.end(), world.pod(p).shape) != unlike.end()) continue;
      out.pods.push_back(p), --count;
    }
  }
}

// How far a group is: active pods of a leaf, satisfied children of an inner group.
std::int64_t filled(const World& world, GroupId g) {
  const GroupRow& row = world.group(g);
  if (row.is_leaf()) return row.active;
  std::int64_t n = 0;
  for (GroupId child : row.children) n += world.is_satisfied(child) ? 1 : 0;
  return n;
}

// Sub-groups in the order in which they are served: those below their minimum first, then required before optional
// ones, then by how much of the minimum they have, then by name.
}  // namespace

std::vector<GroupId> by_need(const World& world, const std::vector<GroupId>& children) {
  std::vector<GroupId> out = children;
  std::stable_sort(out.begin(), out.end(), [&](GroupId a, GroupId b) {
    const GroupRow &x = world.group(a), &y = world.group(b);
    std::int64_t min_x = world.minimum(x), min_y = world.minimum(y);
    std::int64_t have_x = filled(world, a), have_y = filled(world, b);
    if ((have_x < min_x) != (have_y < min_y)) return have_x < min_x;
    if ((min_x == 0) != (min_y == 0)) return min_x != 0;
    std::int64_t p = have_x * std::max<std::int64_t>(1, min_y), q = have_y * std::max<std::int64_t>(1, min_x);
    return p != q ? p < q : x.name < y.name;
  });
  return out;
}

namespace {

void add_core(World& world, GroupId g, const std::vector<GroupId>& without, Batch& out) {
  const GroupRow& row = world.group(g);
  if (world.is_satisfied(g)) return;
  if (row.is_leaf()) {
    add_waiting(world, g, world.minimum(row) - row.active, out);
    return;
  }
  std::int32_t missing = world.minimum(row);
  for (GroupId child : row.children) missing -= world.is_satisfied(child) ? 1 : 0;
  bool choice = world.minimum(row) < static_cast<std::int32_t>(row.children.size());
  for (GroupId child : by_need(world, row.children)) {
    if (missing <= 0) break;
    if (world.is_satisfied(child) || !is_capable(world, child, without)) continue;
    add_core(world, child, without, out);
    if (choice) out.optional.push_back(child);
    --missing;
  }
}

// One pod of a leaf that has its minimum, or an optional sub-group that lacks its own, whichever comes first.
bool add_surplus(World& world, GroupId g, const std::vector<GroupId>& without, const std::vector<ShapeId>& unlike,
                 Batch& out) {
  const GroupRow& row = world.group(g);
  if (contains(without, g)) return false;
  if (row.is_leaf()) {
    if (row.pending == 0) return false;
    add_waiting(world, g, 1, out, unlike);
    if (!out.empty()) out.optional.push_back(g);
    return !out.empty();
  }
  for (GroupId child : by_need(world, row.children)) {
    if (contains(without, child)) continue;
    if (world.is_satisfied(child)) {
      if (add_surplus(world, child, without, unlike, out)) return true;
    } else if (is_capable(world, child, without)) {
      add_core(world, child, without, out);
      out.optional.push_back(child);
      if (!out.empty()) return true;
    }
  }
  return false;
}

}  // namespace

Batch next_batch(World& world, JobId j, const std::vector<GroupId>& without, const std::vector<ShapeId>& unlike) {
  Batch out;
  const JobRow& row = world.job(j);
  if (row.pending == 0) return out;
  if (world.is_satisfied(row.root)) {
    add_surplus(world, row.root, without, unlike, out);
  } else if (is_capable(world, row.root, without)) {
    out.core = true;
    add_core(world, row.root, without, out);
  }
  return out;
}

Batch existing_core(World& world, JobId j) {
  Batch out;
  out.core = true;
  const JobRow& row = world.job(j);
  if (row.pending == 0 || world.is_satisfied(row.root)) return out;
  for (GroupId g : row.groups) {
    const GroupRow& group = world.group(g);
    if (!group.is_leaf() && world.minimum(group) < static_cast<std::int32_t>(group.children.size())) return Batch{};
    if (group.is_leaf()) add_waiting(world, g, std::max(0, world.minimum(group) - group.active), out);
  }
  return out;
}

Readiness readiness(const World& world, JobId j) {
  Readiness out;
  const JobRow& row = world.job(j);
  // Ready as a gang, an optional sub-group may still lack pods of its own.
  out.ready = is_capable(world, row.root, {});
  std::int32_t lacking = 0;
  bool gates_suffice = true;
  for (GroupId g : row.groups) {
    const GroupRow& leaf = world.group(g);
    if (!leaf.is_leaf()) continue;
    std::int32_t have = leaf.active + leaf.pending, need = world.minimum(leaf);
    if (have >= need) continue;
    ++lacking;
    out.needed += need, out.existing += have, out.gated_pods += leaf.gated;
    gates_suffice = gates_suffice && have + leaf.gated >= need;
  }
  out.gated = !out.ready && lacking > 0 && gates_suffice;
  return out;
}

int elasticity(const World& world, JobId j) {
  const JobRow& row = world.job(j);
  if (!world.is_satisfied(row.root)) return 0;
  for (GroupId g : row.groups) {
    const GroupRow& leaf = world.group(g);
    if (leaf.is_leaf() && leaf.active > world.minimum(leaf)) return 2;
  }
  return 1;
}

model::Resources demand_of(const World& world, const std::vector<PodId>& pods) {
  model::Resources sum;
  for (PodId p : pods) {
    const JobRow& job = world.job(world.pod(p).job);
    sum += world.demand(world.shape_of(p), job.queue.is_none() ? PoolId{} : world.queue(job.queue).pool);
  }
  return sum;
}

}  // namespace muster::sched::order
