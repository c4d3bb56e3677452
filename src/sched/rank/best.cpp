#include "sched/rank/best.h"

#include <bit>

#include "base/wide.h"
#include "sched/fit/others.h"

namespace muster::sched::rank {

using fit::When;
using model::GpuRequest;

namespace {

struct Score {
  bool nominated = false;
  bool not_avoided = false;
  std::int64_t crowding = 0;  // soft spread; fewer is better
  std::int32_t topology = 0;
  bool shares = false;  // a shared device has room
  bool now = false;
  bool kind = false;  // CPU-only pod on a CPU-only node
  std::int64_t free = 0, total = 0;
};

// Negative: a is better.
int order(const Score& a, const Score& b, Placement placement) {
  if (a.nominated != b.nominated) return a.nominated ? -1 : 1;
  if (a.not_avoided != b.not_avoided) return a.not_avoided ? -1 : 1;
  if (a.crowding != b.crowding) return a.crowding < b.crowding ? -1 : 1;
  if (a.topology != b.topology) return a.topology > b.topology ? -1 : 1;
  if (a.shares != b.shares) return a.shares ? -1 : 1;
  if (a.now != b.now) return a.now ? -1 : 1;
  if (a.kind != b.kind) return a.kind ? -1 : 1;
  if (placement == Placement::Binpack) return a.free < b.free ? -1 : a.free > b.free ? 1 : 0;
  Wide x = static_cast<Wide>(a.free) * b.total, y = static_cast<Wide>(b.free) * a.total;
  return x > y ? -1 : x < y ? 1 : 0;
}

bool opens_no_device(const World& world, NodeId n, std::uint64_t mask) {
  for (; mask != 0; mask &= mask - 1)
    if (world.device(n, std::countr_zero(mask)).future == 0) return false;
  return true;
}

}  // namespace

std::optional<Spot> best_spot(const World& world, PodId p, PoolId pool_id, const Wishes& wishes) {
  const fit::Guest guest = fit::guest(world, p);
  const Shape& shape = guest.shape;
  const ConstraintClass& klass = world.classes[shape.klass.value];
  const PoolRow& pool = world.pool(pool_id);
  const bool gpu = shape.wants_gpu();
  const Placement placement = gpu ? pool.gpu : pool.cpu;
  const Placement in_node = world.config.devices.value_or(pool.gpu);
  const bool may_share = shape.gpu().is_shared() && pool.gpu == Placement::Binpack;
  const bool soft_spread = !shape.spread.empty();
  std::optional<Spot> best;
  Score best_score;
  NodeSet candidates = klass.nodes & pool.nodes;
  each_in(candidates, wishes.within, [&](NodeId n) {
    Score score;
    score.now = fit::fits_beside(world, guest, n, When::Now);
    if (!score.now && (wishes.now_only || !fit::fits_beside(world, guest, n, When::Later))) return;
    std::optional<std::uint64_t> mask;
    if (score.now) mask = fit::choose_devices(world, shape, n, When::Now, in_node);
    if (!mask) {
      score.now = false;
      if (wishes.now_only) return;
      mask = fit::choose_devices(world, shape, n, When::Later, in_node);
      if (!mask) return;
    }
    const NodeRow& row = world.node(n);
    score.nominated = wishes.nominated == n;
    score.not_avoided = !klass.avoided.has(n);
    if (soft_spread) score.crowding = fit::crowding(world, shape, n);
    if (wishes.topology != nullptr) score.topology = (*wishes.topology)[n.value];
    score.shares = may_share && opens_no_device(world, n, *mask);
    score.kind = !gpu && row.device_count == 0;
    if (gpu) {
      score.free = row.free_later, score.total = row.device_count;
    } else {
      score.free = world.future(n, dim_cpu), score.total = world.offered(n, dim_cpu);
    }
    if (best) {
      int o = order(score, best_score, placement);
      if (o > 0 || (o == 0 && row.rank > world.node(best->node).rank)) return;
    }
    best = Spot{n, *mask, score.now};
    best_score = score;
  });
  return best;
}

}  // namespace muster::sched::rank
