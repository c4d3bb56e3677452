#include "sim/fuzz/steps.h"

#include <algorithm>

namespace muster::sim::fuzz {

Step applicable(const Step& step, const World& world) {
  Step out = step;
  const auto gone_job = [&](const std::string& name) { return !world.gangs().contains(key_of("default", name)); };
  std::erase_if(out.remove_jobs, gone_job);
  std::erase_if(out.remove_nodes, [&](const std::string& name) { return !world.nodes().contains(name); });
  for (std::size_t i = 0; i < out.remove_jobs.size(); ++i) {  // named twice
    const auto again = out.remove_jobs.begin() + static_cast<std::ptrdiff_t>(i);
    out.remove_jobs.erase(std::remove(again + 1, out.remove_jobs.end(), *again), out.remove_jobs.end());
  }
  std::sort(out.remove_nodes.begin(), out.remove_nodes.end());
  out.remove_nodes.erase(std::unique(out.remove_nodes.begin(), out.remove_nodes.end()), out.remove_nodes.end());
  std::erase_if(out.add_jobs, [&](const Job& job) { return world.gangs().contains(job.gang.uid); });
  std::erase_if(out.sets, [&](const Set& set) {
    const std::string name = set.what.substr(set.what.find('/') + 1);
    if (set.what.starts_with("job/")) {
      return gone_job(name) || std::find(out.remove_jobs.begin(), out.remove_jobs.end(), name) != out.remove_jobs.end();
    }
    if (set.what.starts_with("node/")) {
      return !world.nodes().contains(name) ||
             std::find(out.remove_nodes.begin(), out.remove_nodes.end(), name) != out.remove_nodes.end();
    }
    if (set.what.starts_with("queue/")) return !world.queues().contains(name);
    const auto pod = world.pods().find(key_of("default", name));
    if (pod == world.pods().end()) return true;
    if (std::find(out.remove_jobs.begin(), out.remove_jobs.end(), pod->second.gang) != out.remove_jobs.end())
      return true;
    // A pod that ends ran; one that waits again had not ended.
    const bool runs = pod->second.state == model::PodState::Running;
    return set.to == json::Value("Pending") ? pod->second.state != model::PodState::Gated : !runs;
  });
  return out;
}

}  // namespace muster::sim::fuzz
