#include "sched/rank/score_walk.h"

#include <bit>

namespace muster::sched::rank {

using fit::When;
using model::GpuRequest;

namespace {

class ScoreWalk {
 public:
  ScoreWalk(World& world, PodId p, PoolId pool, const Wishes& wishes)
      : world_(world),
        guest_(fit::guest(world, p)),
        pool_(pool),
        wishes_(wishes),
        klass_(world.classes[guest_.shape.klass.value]),
        line_(Scores::of(world).line(pool, world.pod(p).shape)) {}

  std::optional<Spot> run() {
    const bool plain = !guest_.shape.wants_gpu();
    const bool some_avoid = !klass_.avoided.empty();
    for (int avoided = 0; avoided <= (some_avoid ? 1 : 0); ++avoided) {
      for (When when : {When::Now, When::Later}) {
        if (when == When::Later && wishes_.now_only) continue;
        // Who needs no device prefers nodes that have none.
        for (int with_devices = plain ? 0 : 1; with_devices <= 1; ++with_devices) {
          const Pass pass{some_avoid, avoided == 1, when, plain, with_devices == 1};
          if (auto spot = best(pass)) return spot;
        }
      }
    }
    return std::nullopt;
  }

 private:
  struct Pass {
    bool some_avoid = false, avoided = false;
    When when = When::Now;
    bool plain = false, with_devices = false;
  };

  std::optional<Spot> best(const Pass& pass) {
    std::optional<Spot> out;
    std::int32_t high = unfit;
    for (std::size_t block = 0; block < line_.blocks(); ++block) {
      if (line_.best_of(block) <= high) continue;
      std::uint64_t w = klass_.nodes.word(block) & world_.pool(pool_).nodes.word(block);
      if (wishes_.within != nullptr) w &= wishes_.within->word(block);
      if (pass.some_avoid) w &= pass.avoided ? klass_.avoided.word(block) : ~klass_.avoided.word(block);
      for (; w != 0; w &= w - 1) {
        const NodeId n{static_cast<std::uint32_t>(block * 64 + static_cast<std::size_t>(std::countr_zero(w)))};
        if (pass.plain && (world_.node(n).device_count > 0) != pass.with_devices) continue;
        if (line_.at(n) <= high) continue;
        if (auto spot = at(n, pass.when)) out = spot, high = line_.at(n);
      }
    }
    return out;
  }

  std::optional<Spot> at(NodeId n, When when) {
    if (!fit::fits_beside(world_, guest_, n, when)) return std::nullopt;
    // What fits now was a candidate of the pass before.
    if (when == When::Later && fit::fits_beside(world_, guest_, n, When::Now) &&
        choose_devices(world_, guest_.shape, pool_, n, When::Now, wishes_))
      return std::nullopt;
    auto mask = choose_devices(world_, guest_.shape, pool_, n, when, wishes_);
    if (!mask) return std::nullopt;
    return Spot{n, *mask, when == When::Now};
  }

  World& world_;
  const fit::Guest guest_;
  PoolId pool_;
  const Wishes& wishes_;
  const ConstraintClass& klass_;
  Scores::Line& line_;
};

}  // namespace

Placement placement_for(const Shape& shape, const PoolRow& pool, const Wishes& wishes) {
  if (!shape.wants_gpu()) return pool.cpu;
  const bool cut = shape.gpu().kind == GpuRequest::Kind::Mig;
  const Placement rule = wishes.gpu.value_or(pool.gpu);
  return cut && rule == Placement::Fragmentation ? Placement::Binpack : rule;
}

std::optional<std::uint64_t> choose_devices(World& world, const Shape& shape, PoolId pool, NodeId n, When when,
                                            const Wishes& wishes) {
  const Placement nodes = wishes.gpu.value_or(world.pool(pool).gpu);
  const Placement rule = wishes.devices.value_or(world.config.devices.value_or(nodes));
  auto mask = fit::choose_devices(world, shape, n, when, rule, wishes.most_share);
  const bool by_mix = rule == Placement::Fragmentation && nodes == Placement::Fragmentation;
  if (!mask || !by_mix || !shape.gpu().is_shared() || shape.gpu().devices != 1) return mask;
  std::uint64_t open = 0;
  for (std::uint32_t i = 0; i < world.node(n).device_count; ++i) {
    const std::uint64_t one = std::uint64_t{1} << i;
    if (share_of_device(shape, world.device(n, static_cast<int>(i)).memory_mib) > wishes.most_share) continue;
    if (fit::have_room(world, shape, n, one, when)) open |= one;
  }
  return Scores::of(world).device(pool, shape, n, open);
}

std::optional<Spot> best_by_score(World& world, PodId p, PoolId pool, const Wishes& wishes) {
  return ScoreWalk(world, p, pool, wishes).run();
}

}  // namespace muster::sched::rank
