#include "sim/trace/seat.h"

#include <algorithm>
#include <set>

namespace muster::sim::trace {

using sched::rank::Demand;
using sched::rank::Gradient;
using sched::rank::Mix;
using sched::rank::NodeKind;

Result<Gradient> gradient_of(const Lists& lists) {
  std::set<std::uint32_t> accepted;
  for (const PodLine& pod : lists.pods) accepted.insert(pod.shape.models);
  if (accepted.size() > Mix::most_classes) {
    return invalid("pod list: names models in " + std::to_string(accepted.size()) + " ways, at most " +
                   std::to_string(Mix::most_classes) + " are understood");
  }
  std::vector<NodeKind> kinds(lists.models.size());
  for (std::size_t model = 0; model < kinds.size(); ++model) {
    std::uint32_t klass = 0;
    for (const std::uint32_t models : accepted) kinds[model].classes |= std::uint64_t{models >> model & 1U} << klass++;
  }
  std::int64_t most_cpu = 0, most_gpu = 0;
  for (const NodeLine& node : lists.nodes) {
    kinds[static_cast<std::size_t>(std::countr_zero(node.model))].gpu += node.gpus * 1000;
    most_cpu = std::max<std::int64_t>(most_cpu, node.cpu);
    most_gpu = std::max<std::int64_t>(most_gpu, node.gpus * 1000);
  }
  std::vector<Demand> demands;
  for (const PodLine& pod : lists.pods) {
    const auto klass = static_cast<std::uint32_t>(std::distance(accepted.begin(), accepted.find(pod.shape.models)));
    demands.push_back({ask_of(pod.shape), klass, 1});
  }
  return Gradient(Mix(std::move(demands), kinds), most_cpu, most_gpu);
}

}  // namespace muster::sim::trace
