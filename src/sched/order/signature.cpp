#include "sched/order/signature.h"

namespace muster::sched::order {

std::string signature(const World& world, JobId j, const Batch& batch) {
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

}  // namespace muster::sched::order
