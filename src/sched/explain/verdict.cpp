#include "sched/explain/verdict.h"

#include <algorithm>
#include <bit>
#include <map>

#include <fmt/core.h>

#include "base/text.h"
#include "sched/act/limits.h"
#include "sched/explain/words.h"
#include "sched/fit/fit.h"
#include "sched/fit/others.h"

namespace muster::sched::explain {

using fit::When;
using model::Reason;
using model::Verdict;

namespace {

std::string shown(const QueueRow& q) { return q.noun.display_name.empty() ? q.noun.name : q.noun.display_name; }

std::optional<Verdict> queue_verdict(const World& world, const JobRow& job) {
  Verdict v;
  v.queue = job.noun.queue;
  if (job.queue.is_none()) {
    v.reason = Reason::QueueDoesNotExist;
    v.message = fmt::format("queue \"{}\" does not exist", job.noun.queue);
    return v;
  }
  const QueueRow& q = world.queue(job.queue);
  if (q.is_leaf()) return std::nullopt;
  v.reason = Reason::QueueNotLeaf;
  v.message = fmt::format("queue \"{}\" has queues below it; only a queue without any takes workloads", shown(q));
  return v;
}

Verdict limit_verdict(const World& world, const act::Breach& b) {
  const QueueRow& q = world.queue(b.queue);
  Verdict v;
  v.queue = q.noun.name;
  v.resource = resource_name(b.resource);
  v.numbers = {{b.guarded ? "quota" : "limit", number(b.resource, b.bound)},
               {"allocated", number(b.resource, b.allocated)},
               {"need", number(b.resource, b.need)}};
  if (b.guarded) {
    v.reason = Reason::NonPreemptibleOverQuota;
    v.message = fmt::format(
        "needs {}, but a non-preemptible workload stays within quota: \"{}\" has a quota of {} and {} of it are taken "
        "by "
        "non-preemptible workloads; a preemptible workload may go over quota",
        amount(b.resource, b.need), shown(q), plain(b.resource, b.bound), plain(b.resource, b.allocated));
  } else {
    v.reason = Reason::OverLimit;
    v.message = fmt::format("needs {}, but \"{}\" is limited to {} and already uses {}", amount(b.resource, b.need),
                            shown(q), plain(b.resource, b.bound), plain(b.resource, b.allocated));
  }
  return v;
}

Verdict incomplete_verdict(const order::Readiness& r) {
  Verdict v;
  v.numbers = {{"need", r.needed}, {"have", r.existing}};
  if (r.gated) {
    v.reason = Reason::Gated;
    v.message = fmt::format("{} held back by scheduling gates", count_of(r.gated_pods, "pod is"));
    if (r.gated_pods != 1) v.message = fmt::format("{} pods are held back by scheduling gates", r.gated_pods);
  } else {
    v.reason = Reason::GangIncomplete;
    v.message = fmt::format("needs {} pods at once, but {} exist", r.needed, r.existing);
    if (r.gated_pods > 0) v.message += fmt::format(" and {} more are gated", r.gated_pods);
  }
  return v;
}

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

// A pod of the batch that no node admits, whatever is free.
std::optional<Verdict> unmatched_verdict(const World& world, const order::Batch& batch, PoolId pool) {
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
      ++v.causes[refusal(klass, *row.noun)];
    }
    v.numbers = {{"nodes", static_cast<double>(nodes)}};
    v.message = nodes == 0 ? fmt::format("node pool \"{}\" has no nodes", world.pool(pool).name)
                           : fmt::format("none of {} may take it ({})", count_of(nodes, "node"), list_causes(v.causes));
    return v;
  }
  return std::nullopt;
}

}  // namespace

Verdict shortage_verdict(const World& world, const order::Batch& batch, PoolId pool) {
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
    if (best_node.is_none() || here > best || (here == best && world.node(n).rank < world.node(best_node).rank))
      best = here, best_node = n;
  });
  const model::Resources one = world.demand(guest.shape, pool);
  bool by_gpu = guest.shape.gpu().devices > 0 && (v.causes.contains("GPUs") || v.causes.contains("GPU memory"));
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
    v.resource = resource_name(r);
    std::int64_t most = 0;
    (world.classes[guest.shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
      DimId d = r == 1 ? dim_cpu : dim_memory;
      most = std::max(most, std::min(world.idle(n, d), world.future(n, d)));
    });
    v.numbers = {{"need", number(r, at(one, r))}, {"have", number(r, most)}, {"nodes", static_cast<double>(nodes)}};
    v.message =
        fmt::format("needs {}{}; the best of {} has {} free", same > 1 ? fmt::format("{} pods with ", same) : "",
                    amount(r, at(one, r)), count_of(nodes, "node"), plain(r, most));
    if (!v.causes.contains("CPU") && !v.causes.contains("memory") && !v.causes.empty()) {
      v.resource = v.causes.begin()->first;
      v.message = fmt::format("does not fit on any of {}", count_of(nodes, "node"));
    }
  }
  if (!v.causes.empty()) v.message += fmt::format("; lacking {}", list_causes(v.causes));
  return v;
}

std::optional<Verdict> verdict_of(act::Turn& turn, JobId j) {
  World& world = turn.world;
  const JobRow& job = world.job(j);
  std::int32_t gated = 0, promised = 0;
  for (GroupId g : job.groups) gated += world.group(g).gated, promised += world.group(g).promised;
  if (!job.live || !job.known || job.noun.deleted) return std::nullopt;
  if (job.pending == 0 && gated == 0 && promised == 0) return std::nullopt;
  if (auto v = queue_verdict(world, job)) return v;
  order::Batch batch = order::next_batch(world, j);
  if (!batch.empty())
    if (auto b = act::breach(world, j, batch)) return limit_verdict(world, *b);
  if (batch.empty() && promised == 0) {
    order::Readiness r = order::readiness(world, j);
    if (r.ready && gated > 0) r.gated = true, r.gated_pods = gated;
    return incomplete_verdict(r);
  }
  if (job.retry_at > turn.now.ms) {
    Verdict v;
    v.reason = Reason::BackingOff;
    v.numbers = {{"have", static_cast<double>(job.bind_failures)}};
    v.message = fmt::format(
        "{} could not be carried out ({}); next try in {}",
        job.bind_failures == 1 ? std::string("a bind") : fmt::format("{} binds in a row", job.bind_failures),
        job.bind_reason, to_words(Time{job.retry_at} - turn.now));
    return v;
  }
  if (promised > 0) {
    Verdict v;
    v.reason = Reason::WaitingForTermination;
    std::int64_t on = 0;
    for (PodId p : job.pods) on += world.pod(p).promised_node.is_none() ? 0 : 1;
    v.numbers = {{"need", static_cast<double>(on)}};
    v.message = fmt::format("has its place; waits until the pods there are gone ({} nominated)", count_of(on, "pod"));
    return v;
  }
  PoolId pool = world.queue(job.queue).pool;
  if (auto v = unmatched_verdict(world, batch, pool)) return v;
  return shortage_verdict(world, batch, pool);
}

}  // namespace muster::sched::explain
