// Stale gangs: a gang that runs with fewer pods than its minimum, none of which succeeded, is ended after a grace, so
// that it starts over whole instead of holding devices for nothing (product rule 1.11.4).

#include "sched/act/turn.h"

namespace muster::sched::act {

namespace {

bool lacks_members(const World& world, GroupId g) {
  const GroupRow& row = world.group(g);
  if (row.is_leaf()) return row.active > 0 && row.active + row.leaving < world.minimum(row);
  std::int32_t have = 0;
  bool runs = false;
  for (GroupId child : row.children) {
    const GroupRow& c = world.group(child);
    if (lacks_members(world, child)) return true;
    bool complete = c.is_leaf() ? c.active + c.leaving >= world.minimum(c) : world.is_satisfied(child);
    have += complete ? 1 : 0;
    runs = runs || (c.is_leaf() && c.active > 0);
  }
  return runs && have < world.minimum(row);
}

}  // namespace

bool is_stale(const World& world, JobId j) {
  const JobRow& job = world.job(j);
  if (!job.live || !job.known || job.active == 0) return false;
  for (GroupId g : job.groups)
    if (world.group(g).succeeded > 0) return false;
  return lacks_members(world, job.root);
}

Duration grace_of(const World& world, JobId j) {
  return world.job(j).noun.staleness_grace.value_or(world.config.staleness_grace);
}

void end_stale_gangs(Turn& turn) {
  World& world = turn.world;
  for (std::uint32_t i = 0; i < world.jobs.size(); ++i) {
    JobId j{i};
    JobRow& job = world.jobs[i];
    if (!is_stale(world, j)) {
      if (job.live) world.log.set(job.stale_since, 0);
      continue;
    }
    if (job.stale_since == 0) world.log.set(job.stale_since, turn.now.ms);
    Duration grace = grace_of(world, j);
    if (grace.ms < 0 || turn.now.ms - job.stale_since < grace.ms) continue;
    std::vector<PodId> pods = job.pods;
    for (PodId p : pods) {
      const PodRow& pod = world.pod(p);
      if (!pod.promised_node.is_none()) world.unpromise(p);
      if (model::holds_resources(pod.state) && pod.state != model::PodState::Releasing &&
          pod.state != model::PodState::StuckInReleasing)
        world.evict(p, model::Action::StaleGang, JobId{});
    }
  }
}

}  // namespace muster::sched::act
