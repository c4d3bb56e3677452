#include "sched/order/staleness.h"

namespace muster::sched::order {

namespace {

bool runs(const World& world, GroupId g) {
  const GroupRow& row = world.group(g);
  if (row.is_leaf()) return row.active > 0;
  for (GroupId child : row.children)
    if (runs(world, child)) return true;
  return false;
}

// What is going away counts as there: its place is being given up in an orderly way.
bool is_complete(const World& world, GroupId g) {
  const GroupRow& row = world.group(g);
  if (row.is_leaf()) return row.active + row.leaving >= world.minimum(row);
  std::int32_t have = 0;
  for (GroupId child : row.children) have += is_complete(world, child) ? 1 : 0;
  return have >= world.minimum(row);
}

bool lacks_members(const World& world, GroupId g) {
  const GroupRow& row = world.group(g);
  if (!runs(world, g)) return false;
  if (!is_complete(world, g)) return true;
  for (GroupId child : row.children)
    if (lacks_members(world, child)) return true;
  return false;
}

}  // namespace

bool is_stale(const World& world, JobId j) {
  const JobRow& job = world.job(j);
  if (!job.live || !job.known || job.active == 0) return false;
  for (GroupId g : job.groups)
    if (world.group(g).succeeded > 0) return false;
  return lacks_members(world, job.root);
}

}  // namespace muster::sched::order
