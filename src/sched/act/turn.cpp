#include "sched/act/turn.h"

namespace muster::sched::act {

bool is_candidate(Turn& turn, JobId j) {
  const JobRow& job = turn.world.job(j);
  if (!job.live || !job.known || job.pending == 0 || job.noun.deleted || job.queue.is_none()) return false;
  if (!turn.world.queue(job.queue).is_leaf()) return false;
  return job.retry_at <= turn.now.ms;
}

std::vector<JobId> candidates(Turn& turn, PoolId pool) {
  std::vector<JobId> out;
  World& world = turn.world;
  for (std::uint32_t q = 0; q < world.queues.size(); ++q) {
    const QueueRow& row = world.queues[q];
    if (!row.live || !row.rooted || row.pool != pool || !row.is_leaf()) continue;
    for (JobId j : row.jobs)
      if (is_candidate(turn, j) && !order::next_batch(world, j).empty()) out.push_back(j);
  }
  return out;
}

std::string signature(const World& world, JobId j, const order::Batch& batch) {
  const JobRow& job = world.job(j);
  std::string out;
  auto put = [&](std::uint32_t n) { out.append(reinterpret_cast<const char*>(&n), sizeof n); };
  put(world.queue(job.queue).pool.value);
  bool constrained = false;
  for (GroupId g : job.groups) constrained = constrained || world.group(g).topology.has_value();
  if (constrained || job.noun.segments) {
    if (job.active > 0) return "";
    for (GroupId g : job.groups) {
      const auto& t = world.group(g).topology;
      put(static_cast<std::uint32_t>(world.group(g).children.size()));
      if (t) out += t->topology + '\n' + t->required + '\n' + t->preferred + '\n';
    }
    if (job.noun.segments) put(static_cast<std::uint32_t>(job.noun.segments->size));
  }
  std::uint32_t run = 0;
  for (std::size_t i = 0; i < batch.pods.size(); ++i) {
    const PodRow& pod = world.pod(batch.pods[i]);
    if (!pod.terms.empty()) return "";
    ++run;
    bool last = i + 1 == batch.pods.size() || world.pod(batch.pods[i + 1]).shape != pod.shape ||
                world.pod(batch.pods[i + 1]).group != pod.group;
    if (!last) continue;
    put(pod.shape.value), put(run);
    run = 0;
  }
  return out;
}

}  // namespace muster::sched::act
