#include "sched/act/emptying.h"

#include <algorithm>
#include <array>
#include <bit>

namespace muster::sched::act {

Emptying::Emptying(Turn& turn, ShapeId shape, PoolId pool, std::size_t most, std::function<bool(PodId)> may)
    : world_(turn.world),
      devices_(world_.shape(shape).gpu().devices),
      stuck_(turn.stuck[{pool, devices_}]),
      may_(std::move(may)) {
  const NodeSet& klass = world_.classes[world_.shape(shape).klass.value].nodes;
  const std::vector<NodeSet>& levels = world_.clearings.of(world_, pool, devices_);
  for (std::size_t level = 0; level < Clearings::never && heap_.size() < most; ++level)
    each_in(levels[level], &klass, [&](NodeId n) {
      if (heap_.size() < most && !stuck_.has(n)) heap_.push_back({level, n});
    });
  // In order, and a sorted list is a heap.
}

std::optional<std::vector<PodId>> Emptying::next() {
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    now_ = heap_.back().node;
    heap_.pop_back();
    if (auto pods = choose(now_)) return pods;
    refused();
  }
  return std::nullopt;
}

// It may have room for another one.
void Emptying::took() {
  const auto pods = choose(now_);
  if (!pods) return;
  heap_.push_back({pods->size(), now_});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

std::optional<std::vector<PodId>> Emptying::choose(NodeId n) const {
  const NodeRow& row = world_.node(n);
  std::int32_t missing = devices_ - row.free_later % devices_;
  std::array<std::int32_t, 64> holders{};
  std::uint64_t fixed = 0;
  for (PodId p = row.held; !p.is_none(); p = world_.pod(p).held_next) {
    const PodRow& pod = world_.pod(p);
    if (pod.state == model::PodState::Releasing || pod.devices == 0) continue;
    if (!may_(p)) fixed |= pod.devices;
    for (std::uint64_t m = pod.devices; m != 0; m &= m - 1) ++holders[static_cast<std::size_t>(std::countr_zero(m))];
  }
  for (PodId p = row.promised; !p.is_none(); p = world_.pod(p).promised_next) fixed |= world_.pod(p).promised_devices;
  std::vector<std::pair<std::int32_t, std::uint32_t>> order;
  for (std::uint32_t i = 0; i < row.device_count; ++i) {
    const DeviceRow& d = world_.device(n, static_cast<int>(i));
    if (d.capacity > 0 && d.future != 0 && (fixed >> i & 1) == 0) order.emplace_back(holders[i], i);
  }
  if (static_cast<std::int32_t>(order.size()) < missing) return std::nullopt;
  std::sort(order.begin(), order.end());
  std::uint64_t cleared = 0;
  for (std::int32_t i = 0; i < missing; ++i) cleared |= std::uint64_t{1} << order[static_cast<std::size_t>(i)].second;
  std::vector<PodId> out;
  for (PodId p = row.held; !p.is_none(); p = world_.pod(p).held_next)
    if (world_.pod(p).state != model::PodState::Releasing && (world_.pod(p).devices & cleared) != 0) out.push_back(p);
  // By what they are, not by when they came: the list goes by arrival.
  std::sort(out.begin(), out.end(), [&](PodId a, PodId b) {
    const PodRow &x = world_.pod(a), &y = world_.pod(b);
    return x.created != y.created ? x.created > y.created : x.ns != y.ns ? x.ns < y.ns : x.name < y.name;
  });
  return out;
}

}  // namespace muster::sched::act
