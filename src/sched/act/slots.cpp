#include "sched/act/slots.h"

#include <algorithm>

#include "sched/fit/fit.h"

namespace muster::sched::act {

namespace {
std::int32_t count(const World& world, ShapeId shape, NodeId n, std::int64_t wanted) {
  std::int64_t slots = fit::slots(world, world.shape(shape), n, fit::When::Later);
  return static_cast<std::int32_t>(std::min(slots, wanted));
}
}  // namespace

Slots::Slots(const World& world, const order::Batch& batch, PoolId pool, bool none_now) : world_(world) {
  for (PodId p : batch.pods) {
    ShapeId s = world.pod(p).shape;
    auto it = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& k) { return k.shape == s; });
    if (it == kinds_.end()) {
      it = kinds_.insert(kinds_.end(), Kind{});
      it->shape = s;
      it->nodes = world.classes[world.shape(s).klass.value].nodes & world.pool(pool).nodes;
      it->at.resize(world.nodes.size());
    }
    ++it->wanted;
  }
  if (none_now) return;
  for (Kind& k : kinds_) k.nodes.each([&](NodeId n) { k.total += k.at[n.value] = count(world, k.shape, n, k.wanted); });
}

void Slots::renew(NodeId n) {
  for (Kind& k : kinds_) {
    if (!k.nodes.has(n)) continue;
    std::int32_t fresh = count(world_, k.shape, n, k.wanted);
    k.total += fresh - k.at[n.value];
    k.at[n.value] = fresh;
  }
}

bool Slots::suffice() const {
  return std::all_of(kinds_.begin(), kinds_.end(), [](const Kind& k) { return k.total >= k.wanted; });
}

bool Slots::concerns(NodeId n) const {
  return std::any_of(kinds_.begin(), kinds_.end(), [&](const Kind& k) { return k.nodes.has(n); });
}

}  // namespace muster::sched::act
