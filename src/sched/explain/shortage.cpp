#include "sched/explain/shortage.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "sched/explain/words.h"
#include "sched/fit/fit.h"
#include "sched/fit/others.h"

namespace muster::sched::explain {

using fit::When;
using model::Reason;
using model::Verdict;

namespace {

// What keeps a pod off a node that its class admits.
std::string lack(const World& world, const fit::Guest& guest, NodeId n) {
  const Shape& shape = guest.shape;
  if (shape.gpu().devices > 0 && !fit::choose_devices(world, shape, n, When::Now, Placement::Binpack)) {
    if (shape.gpu().kind == model::GpuRequest::Kind::Memory) {
      bool ever = false;
      for (std::uint32_t i = 0; i < world.node(n).device_count; ++i)
        ever = ever || share_of_device(shape, world.device(n, static_cast<int>(i)).memory_mib) <= 1000;
      if (!ever) return "GPU memory";
    }
    return "GPUs";
  }
  for (auto [d, need] : shape.need) {
    if (std::min(world.idle(n, d), world.future(n, d)) >= need) continue;
    return d == dim_cpu ? "CPU" : d == dim_memory ? "memory" : d == dim_pods ? "pod count" : world.dims.name(d);
  }
  if (guest.depends_on_others() && !fit::allowed_by_others(world, guest, n, When::Now)) return "other pods";
  return "";
}

std::string list_causes(const std::map<std::string, std::int64_t>& causes) {
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  for (const auto& [cause, n] : causes) sorted.emplace_back(-n, cause);
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const auto& [n, cause] : sorted) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{}: {}", cause, count_of(-n, "node"));
  }
  return out;
}

}  // namespace

bool lacks_matching_node(const World& world, const order::Batch& batch, PoolId pool) {
  ShapeId last;
  for (PodId p : batch.pods) {
    if (world.pod(p).shape == last) continue;
    last = world.pod(p).shape;
    if (!world.classes[world.shape(last).klass.value].nodes.meets(world.pool(pool).nodes)) return true;
  }
  return false;
}

std::optional<Verdict> no_matching_node(const World& world, const order::Batch& batch, PoolId pool) {
  for (std::size_t i = 0; i < batch.pods.size(); ++i) {
    if (i > 0 && world.pod(batch.pods[i]).shape == world.pod(batch.pods[i - 1]).shape) continue;
    const Shape& shape = world.shape_of(batch.pods[i]);
    const ConstraintClass& klass = world.classes[shape.klass.value];
    if (klass.nodes.meets(world.pool(pool).nodes)) continue;
    Verdict v;
    v.reason = Reason::NoMatchingNode;
    std::int64_t nodes = 0;
    for (const auto& row : world.nodes) {
      if (!row.live || row.pool != pool) continue;
      ++nodes;
      ++v.causes[refusal(klass, *row.noun, world.config.restrict_scheduling)];
    }
    v.numbers = {{"nodes", static_cast<double>(nodes)}};
    v.message = nodes == 0 ? fmt::format("node pool \"{}\" has no nodes", world.pool(pool).name)
                           : fmt::format("none of {} may take it ({})", count_of(nodes, "node"), list_causes(v.causes));
    return v;
  }
  return std::nullopt;
}

Verdict insufficient_resources(const World& world, const order::Batch& batch, PoolId pool) {
  Verdict v;
  v.reason = Reason::InsufficientResources;
  // The first pod of the batch that is hard to place speaks for it: the one with the fewest slots.
  PodId worst = batch.pods.front();
  std::int64_t fewest = INT64_MAX, same = 0;
  for (std::size_t i = 0; i < batch.pods.size(); ++i) {
    if (i > 0 && world.pod(batch.pods[i]).shape == world.pod(batch.pods[i - 1]).shape) continue;
    const Shape& shape = world.shape_of(batch.pods[i]);
    std::int64_t slots = 0;
    (world.classes[shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
      slots += std::min<std::int64_t>(fit::slots(world, shape, n, When::Now), 1 << 20);
    });
    if (slots < fewest) fewest = slots, worst = batch.pods[i];
  }
  const fit::Guest guest = fit::guest(world, worst);
  for (PodId p : batch.pods) same += world.pod(p).shape == world.pod(worst).shape ? 1 : 0;
  std::int64_t best = 0, nodes = 0, free = 0;
  NodeId best_node;
  (world.classes[guest.shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
    ++nodes;
    std::string cause = lack(world, guest, n);
    if (!cause.empty()) ++v.causes[cause];
    std::int64_t here = 0;
    for (std::uint32_t i = 0; i < world.node(n).device_count; ++i) {
      const DeviceRow& d = world.device(n, static_cast<int>(i));
      std::int32_t left = d.capacity - std::max(d.now, d.future);
      if (guest.shape.gpu().is_shared() ? left > 0 : left >= 1000) here += left;
    }
    free += here;
    if (best_node.is_none() || here > best) best = here, best_node = n;
  });
  const model::Resources one = world.demand(guest.shape, pool);
  // Without a cause each of them has a place, only not all at once.
  bool by_gpu = guest.shape.gpu().devices > 0 &&
                (v.causes.empty() || v.causes.contains("GPUs") || v.causes.contains("GPU memory"));
  if (by_gpu) {
    v.resource = "gpu";
    std::int64_t need = one.gpu * same, have = same == 1 ? best : std::min(fewest * one.gpu, free);
    v.numbers = {{"need", number(0, need)}, {"have", number(0, have)}, {"nodes", static_cast<double>(nodes)}};
    v.message = same == 1 ? fmt::format("needs {}; the best of {}, {}, has {} free", gpus(need),
                                        count_of(nodes, "node"), world.node(best_node).noun->name, gpus(best))
                          : fmt::format("needs {} pods with {} each; {} of them would find a place", same,
                                        gpus(one.gpu), fewest);
    if (same == 1 && free >= need && best < need)
      v.message += fmt::format(" ({} are free in all, but not together)", gpus(free));
  } else {
    int r = v.causes.contains("memory") && !v.causes.contains("CPU") ? 2 : 1;
    v.resource = world.resource_name(r);
    std::int64_t most = 0;
    (world.classes[guest.shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
      DimId d = r == 1 ? dim_cpu : dim_memory;
      most = std::max(most, std::min(world.idle(n, d), world.future(n, d)));
    });
    v.numbers = {{"need", number(r, at(one, r))}, {"have", number(r, most)}, {"nodes", static_cast<double>(nodes)}};
    v.message =
        fmt::format("needs {}{}; the best of {} has {} free", same > 1 ? fmt::format("{} pods with ", same) : "",
                    amount(world, r, at(one, r)), count_of(nodes, "node"), plain(r, most));
    if (!v.causes.contains("CPU") && !v.causes.contains("memory") && !v.causes.empty()) {
      v.resource = v.causes.begin()->first;
      v.message = fmt::format("does not fit on any of {}", count_of(nodes, "node"));
    }
  }
  if (!v.causes.empty()) v.message += fmt::format("; lacking {}", list_causes(v.causes));
  return v;
}

}  // namespace muster::sched::explain
