#include "sched/share/fair_share.h"

#include <algorithm>

#include "sched/share/division.h"

namespace muster::sched::share {

using model::Resources;

namespace {

const model::QueueResource& setting(const World& world, const QueueRow& q, int r) {
  static const model::QueueResource unbounded{.quota = std::nullopt};
  if (r < 3) return r == 0 ? q.noun.gpu : r == 1 ? q.noun.cpu : q.noun.memory;
  auto it = q.noun.classes.find(world.named_resources[static_cast<std::size_t>(r - 3)]);
  return it == q.noun.classes.end() ? unbounded : it->second;
}

void divide_among(World& world, const std::vector<QueueId>& siblings, const Resources& total) {
  if (siblings.empty()) return;
  std::vector<Claim> claims(siblings.size());
  for (int r = 0; r < 3 + static_cast<int>(world.named_resources.size()); ++r) {
    for (std::size_t i = 0; i < siblings.size(); ++i) {
      const QueueRow& q = world.queue(siblings[i]);
      claims[i].quota = at(q.quota, r);
      claims[i].requestable = std::min(at(q.allocated, r) + at(q.pending, r), at(q.limit, r));
      if (world.config.surplus == Config::Surplus::ByQuota) {
        claims[i].weight = std::min(at(q.quota, r), at(total, r));
      } else claims[i].weight = std::max<std::int64_t>(0, setting(world, q, r).weight_milli);
      claims[i].usage = r == 0 ? q.noun.usage_gpu_milli : 0;
      claims[i].priority = q.noun.priority;
      claims[i].rank = q.rank;
    }
    auto shares =
        divide(at(total, r), r == 0 ? 1000 : 1, std::max<std::int64_t>(0, world.config.history_k_milli), claims);
    for (std::size_t i = 0; i < siblings.size(); ++i) at(world.queue(siblings[i]).fair_share, r) = shares[i];
  }
  for (QueueId q : siblings) divide_among(world, world.queue(q).children, world.queue(q).fair_share);
}

}  // namespace

Resources capacity(const PoolRow& pool) {
  Resources out = pool.offered - pool.foreign;
  for (int r = 0; r < resource_count; ++r) at(out, r) = std::max<std::int64_t>(0, at(out, r));
  return out;
}

std::vector<QueueId> top_queues(const World& world, PoolId pool) {
  std::vector<QueueId> out;
  for (std::uint32_t i = 0; i < world.queues.size(); ++i) {
    const QueueRow& q = world.queues[i];
    if (q.live && q.rooted && q.parent.is_none() && q.pool == pool) out.push_back(QueueId{i});
  }
  std::sort(out.begin(), out.end(), [&](QueueId a, QueueId b) { return world.queue(a).rank < world.queue(b).rank; });
  return out;
}

void divide_all(World& world) {
  for (auto& q : world.queues) q.fair_share = {};
  for (std::uint32_t p = 0; p < world.pools.size(); ++p)
    divide_among(world, top_queues(world, PoolId{p}), capacity(world.pools[p]));
}

std::int64_t allocatable(const QueueRow& queue, int r) {
  std::int64_t limit = at(queue.limit, r), quota = at(queue.quota, r);
  if (quota == unlimited) return limit;
  return std::min(limit, std::max(quota, at(queue.fair_share, r)));
}

}  // namespace muster::sched::share
