#include "sched/rank/best.h"

#include <bit>

#include "base/wide.h"
#include "sched/fit/others.h"
#include "sched/rank/score_walk.h"

namespace muster::sched::rank {

using fit::When;
using model::GpuRequest;

namespace {

struct Score {
  bool not_avoided = false;
  std::int64_t crowding = 0;  // soft spread; fewer is better
  std::int32_t topology = 0;
  bool shares = false;  // a shared device has room
  bool now = false;
  bool one_part = true;  // its devices hang on one NUMA node
  bool kind = false;     // CPU-only pod on a CPU-only node
  std::int64_t free = 0, total = 0;
  std::int32_t worth = 0;  // by fragmentation
};

// Negative: a is better.
int order(const Score& a, const Score& b, Placement placement) {
  if (a.not_avoided != b.not_avoided) return a.not_avoided ? -1 : 1;
  if (a.crowding != b.crowding) return a.crowding < b.crowding ? -1 : 1;
  if (a.topology != b.topology) return a.topology > b.topology ? -1 : 1;
  if (a.shares != b.shares) return a.shares ? -1 : 1;
  if (a.now != b.now) return a.now ? -1 : 1;
  if (a.one_part != b.one_part) return a.one_part ? -1 : 1;
  if (a.kind != b.kind) return a.kind ? -1 : 1;
  if (placement == Placement::Fragmentation) return a.worth > b.worth ? -1 : a.worth < b.worth ? 1 : 0;
  if (placement == Placement::Binpack) return a.free < b.free ? -1 : a.free > b.free ? 1 : 0;
  Wide x = static_cast<Wide>(a.free) * b.total, y = static_cast<Wide>(b.free) * a.total;
  return x > y ? -1 : x < y ? 1 : 0;
}

bool opens_no_device(const World& world, NodeId n, std::uint64_t mask) {
  for (; mask != 0; mask &= mask - 1)
    if (world.device(n, std::countr_zero(mask)).future == 0) return false;
  return true;
}

Placement strategy_of(const PoolRow& pool, const Wishes& wishes) { return wishes.gpu.value_or(pool.gpu); }
Placement in_node_of(const World& world, const PoolRow& pool, const Wishes& wishes) {
  return wishes.devices.value_or(world.config.devices.value_or(strategy_of(pool, wishes)));
}

// A nomination outweighs all else: where it still fits, that is the place.
std::optional<Spot> nominated_spot(World& world, const fit::Guest& guest, PoolId pool_id, const Wishes& wishes) {
  const PoolRow& pool = world.pool(pool_id);
  NodeId n = wishes.nominated;
  if (n.is_none() || !pool.nodes.has(n) || !world.classes[guest.shape.klass.value].nodes.has(n)) return std::nullopt;
  if (wishes.within != nullptr && !wishes.within->has(n)) return std::nullopt;
  for (When when : {When::Now, When::Later}) {
    if ((when == When::Later && wishes.now_only) || !fit::fits_beside(world, guest, n, when)) continue;
    if (fit::have_room(world, guest.shape, n, wishes.nominated_devices, when))
      return Spot{n, wishes.nominated_devices, when == When::Now};
    if (wishes.nominated_only) continue;
    auto mask = choose_devices(world, guest.shape, pool_id, n, when, wishes);
    if (mask) return Spot{n, *mask, when == When::Now};
  }
  return std::nullopt;
}

// Whether nothing but the node itself speaks for a node.
bool is_plain(const Shape& shape, const Wishes& wishes) {
  if (wishes.topology != nullptr) return false;
  for (const auto& s : shape.constraints.spread)
    if (!s.hard) return false;
  return true;
}

// Whether the buckets' order is the order of the ladder for this pod.
bool goes_by_buckets(const Shape& shape, const PoolRow& pool, const Wishes& wishes) {
  const auto kind = shape.gpu().kind;
  if (kind == GpuRequest::Kind::None || kind == GpuRequest::Kind::Mig) return false;
  const Placement strategy = strategy_of(pool, wishes);
  if (strategy == Placement::Fragmentation) return false;
  if (strategy == Placement::Spread && !pool.uniform) return false;
  return is_plain(shape, wishes);
}

// The first node that fits, walking the buckets from the best score downwards: every node before it scores less or does
// not fit.
class BucketWalk {
 public:
  BucketWalk(const World& world, const fit::Guest& guest, const PoolRow& pool, const Wishes& wishes)
      : world_(world),
        guest_(guest),
        pool_(pool),
        wishes_(wishes),
        klass_(world.classes[guest.shape.klass.value]),
        strategy_(strategy_of(pool, wishes)),
        in_node_(in_node_of(world, pool, wishes)) {}

  std::optional<Spot> run() {
    const bool shared = guest_.shape.gpu().is_shared();
    const bool prefers_shared = shared && strategy_ == Placement::Binpack;
    if (shared) gather_open();
    const bool some_avoid = !klass_.avoided.empty();
    for (int avoided = 0; avoided <= (some_avoid ? 1 : 0); ++avoided) {
      avoided_ = some_avoid ? (avoided == 1 ? Avoided::Only : Avoided::Not) : Avoided::Any;
      for (int open = prefers_shared ? 1 : 0; open >= 0; --open) {
        open_only_ = open == 1;
        opens_only_ = prefers_shared && open == 0;
        for (When when : {When::Now, When::Later}) {
          if (when == When::Later && wishes_.now_only) continue;
          for (Parts parts : {Parts::One, Parts::Several}) {
            parts_ = needs_parts() ? parts : Parts::Any;
            if (auto spot = levels(when)) return spot;
            if (parts_ == Parts::Any) break;
          }
        }
      }
    }
    return std::nullopt;
  }

 private:
  enum class Avoided { Any, Not, Only };
  enum class Parts { Any, One, Several };

  bool needs_parts() const { return pool_.has_parts && guest_.shape.gpu().devices > 1; }

  // Nodes where a shared device may have room.
  void gather_open() {
    std::int32_t share = share_of_device(guest_.shape, pool_.most_mib);
    open_.assign(pool_.by_room.words(0).size(), 0);
    for (std::size_t level = static_cast<std::size_t>(share / room_step); level < pool_.by_room.levels(); ++level) {
      if (pool_.by_room.count(level) == 0) continue;
      const auto& words = pool_.by_room.words(level);
      for (std::size_t i = 0; i < words.size(); ++i) open_[i] |= words[i];
    }
  }

  std::optional<Spot> levels(When when) {
    const bool shared = guest_.shape.gpu().is_shared();
    const std::size_t low = shared ? (opens_only_ ? 1 : 0) : static_cast<std::size_t>(guest_.shape.gpu().devices);
    const std::size_t end = pool_.by_free.levels();
    if (strategy_ == Placement::Binpack) {
      for (std::size_t level = low; level < end; ++level)
        if (auto spot = nodes(level, when)) return spot;
    } else {
      for (std::size_t level = end; level-- > low;)
        if (auto spot = nodes(level, when)) return spot;
    }
    return std::nullopt;
  }

  std::optional<Spot> nodes(std::size_t level, When when) {
    if (pool_.by_free.count(level) == 0) return std::nullopt;
    const auto& words = pool_.by_free.words(level);
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::uint64_t w = words[i] & klass_.nodes.word(i);
      if (w == 0) continue;
      if (wishes_.within != nullptr) w &= wishes_.within->word(i);
      if (avoided_ != Avoided::Any) w &= avoided_ == Avoided::Only ? klass_.avoided.word(i) : ~klass_.avoided.word(i);
      // Where no device is free, one that is shared must have room.
      if (open_only_ || (level == 0 && !open_.empty())) w &= open_[i];
      for (; w != 0; w &= w - 1)
        if (auto spot =
                at(NodeId{static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(w)))}, when))
          return spot;
    }
    return std::nullopt;
  }

  std::optional<Spot> at(NodeId n, When when) {
    if (!guest_.shape.gpu().is_shared() && when == When::Now && world_.node(n).free_now < guest_.shape.gpu().devices)
      return std::nullopt;
    if (!fit::fits_beside(world_, guest_, n, when)) return std::nullopt;
    // What fits now was a candidate of the pass before.
    if (when == When::Later && fit::fits_beside(world_, guest_, n, When::Now) &&
        fit::choose_devices(world_, guest_.shape, n, When::Now, in_node_, wishes_.most_share))
      return std::nullopt;
    auto mask = fit::choose_devices(world_, guest_.shape, n, when, in_node_, wishes_.most_share);
    if (!mask) return std::nullopt;
    if (open_only_ || opens_only_) {
      if (opens_no_device(world_, n, *mask) != open_only_) return std::nullopt;
    }
    if (parts_ != Parts::Any && fit::is_on_one_part(world_, n, *mask) != (parts_ == Parts::One)) return std::nullopt;
    return Spot{n, *mask, when == When::Now};
  }

  const World& world_;
  const fit::Guest& guest_;
  const PoolRow& pool_;
  const Wishes& wishes_;
  const ConstraintClass& klass_;
  Placement strategy_, in_node_;
  std::vector<std::uint64_t> open_;
  Avoided avoided_ = Avoided::Any;
  Parts parts_ = Parts::Any;
  bool open_only_ = false, opens_only_ = false;
};

}  // namespace

namespace {

// When nodes are filled up, the best node is the better for every pod that it gets, as long as there is room at once:
// the others stand where they stood.
std::optional<Spot> best_again(World& world, const fit::Guest& guest, PoolId pool, const Wishes& wishes) {
  const Shape& shape = guest.shape;
  const NodeId n = wishes.again;
  if (n.is_none() || shape.gpu().is_shared() || guest.depends_on_others() || !shape.spread.empty()) return std::nullopt;
  if (placement_for(shape, world.pool(pool), wishes) != Placement::Binpack) return std::nullopt;
  if (!fit::fits_beside(world, guest, n, When::Now)) return std::nullopt;
  auto mask = choose_devices(world, shape, pool, n, When::Now, wishes);
  if (!mask || !fit::is_on_one_part(world, n, *mask)) return std::nullopt;
  return Spot{n, *mask, true};
}

}  // namespace

std::optional<Spot> best_spot(World& world, PodId p, PoolId pool_id, const Wishes& wishes) {
  const fit::Guest guest = fit::guest(world, p);
  const Shape& shape = guest.shape;
  const ConstraintClass& klass = world.classes[shape.klass.value];
  const PoolRow& pool = world.pool(pool_id);
  if (auto spot = nominated_spot(world, guest, pool_id, wishes)) return spot;
  if (wishes.nominated_only) return std::nullopt;
  if (auto spot = best_again(world, guest, pool_id, wishes)) return spot;
  const bool gpu = shape.wants_gpu();
  const Placement placement = placement_for(shape, pool, wishes);
  if (placement == Placement::Fragmentation && is_plain(shape, wishes)) return best_by_score(world, p, pool_id, wishes);
  if (goes_by_buckets(shape, pool, wishes)) return BucketWalk(world, guest, pool, wishes).run();
  const bool may_share = shape.gpu().is_shared() && strategy_of(pool, wishes) == Placement::Binpack;
  const bool soft_spread = !shape.spread.empty();
  std::optional<Spot> best;
  Score best_score;
  NodeSet candidates = klass.nodes & pool.nodes;
  each_in(candidates, wishes.within, [&](NodeId n) {
    Score score;
    score.now = fit::fits_beside(world, guest, n, When::Now);
    if (!score.now && (wishes.now_only || !fit::fits_beside(world, guest, n, When::Later))) return;
    std::optional<std::uint64_t> mask;
    if (score.now) mask = choose_devices(world, shape, pool_id, n, When::Now, wishes);
    if (!mask) {
      score.now = false;
      if (wishes.now_only) return;
      mask = choose_devices(world, shape, pool_id, n, When::Later, wishes);
      if (!mask) return;
    }
    const NodeRow& row = world.node(n);
    score.not_avoided = !klass.avoided.has(n);
    if (soft_spread) score.crowding = fit::crowding(world, shape, n);
    if (wishes.topology != nullptr) score.topology = (*wishes.topology)[n.value];
    score.shares = may_share && opens_no_device(world, n, *mask);
    score.one_part = fit::is_on_one_part(world, n, *mask);
    score.kind = !gpu && row.device_count == 0;
    if (placement == Placement::Fragmentation) {
      score.worth = Scores::of(world).line(pool_id, world.pod(p).shape).at(n);
    } else if (gpu) {
      score.free = row.free_later, score.total = row.device_count;
    } else {
      score.free = world.future(n, dim_cpu), score.total = world.offered(n, dim_cpu);
    }
    if (best) {
      int o = order(score, best_score, placement);
      if (o >= 0) return;  // nodes come in the order of their names
    }
    best = Spot{n, *mask, score.now};
    best_score = score;
  });
  return best;
}

}  // namespace muster::sched::rank
