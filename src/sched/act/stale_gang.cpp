// Stale gangs: a gang that runs with fewer pods than its minimum, none of which succeeded, is ended after a grace, so
// that it starts over whole instead of holding devices for nothing (product rule 1.11.4).

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "sched/act/turn.h"
#include "sched/order/staleness.h"

namespace muster::sched::act {

Duration grace_of(const World& world, JobId j) {
  return world.job(j).noun.staleness_grace.value_or(world.config.staleness_grace);
}

void end_stale_gangs(Turn& turn) {
  World& world = turn.world;
  turn.lines.refresh();
  std::vector<JobId> suspects(turn.lines.stale().begin(), turn.lines.stale().end());
  std::sort(suspects.begin(), suspects.end(), [&](JobId a, JobId b) { return world.job(a).key < world.job(b).key; });
  for (JobId j : suspects) {
    JobRow& job = world.job(j);
    std::int64_t since = !order::is_stale(world, j) ? 0 : job.stale_since == 0 ? turn.now.ms : job.stale_since;
    if (since != job.stale_since) world.log.set(job.stale_since, since), world.mark_changed(j);
    if (since == 0) continue;
    Duration grace = grace_of(world, j);
    if (grace.ms < 0 || turn.now.ms - since < grace.ms) continue;
    for (PodId p : job.pods) {
      // One that was moved in this round is ended where it was.
      const bool moved = !world.pod(p).promised_node.is_none();
      if (moved) world.unpromise(p);
      // What it was given in this round it never had.
      if (world.placed_this_round(p)) {
        world.unbind(p);
        continue;
      }
      if (world.is_active(p) || (moved && world.pod(p).state == model::PodState::Releasing))
        world.evict(p, model::Action::StaleGang, JobId{});
    }
    job.evict_message = fmt::format("ended: it ran with fewer pods than its minimum for more than {}", to_words(grace));
  }
}

}  // namespace muster::sched::act
