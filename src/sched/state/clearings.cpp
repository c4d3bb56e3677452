#include "sched/state/clearings.h"

#include <algorithm>
#include <bit>

#include "sched/state/world.h"

namespace muster::sched {

namespace {

std::int64_t common(const NodeSet& a, const NodeSet& b) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < a.word_count(); ++i) sum += std::popcount(a.word(i) & b.word(i));
  return sum;
}

}  // namespace

void Clearings::place(const World& world, Table& table, PoolId pool, std::int32_t devices, NodeId n) {
  const NodeRow& row = world.node(n);
  std::size_t level = never;
  const bool in = row.usable && row.pool == pool;
  if (in) {
    const std::int32_t missing = devices - row.free_later % devices;
    burdens_.clear();
    for (std::uint32_t i = 0; i < row.device_count; ++i) {
      const DeviceRow& d = world.device(n, static_cast<int>(i));
      if (d.capacity > 0 && d.future != 0 && d.burden < fixed_burden) burdens_.push_back(d.burden);
    }
    if (static_cast<std::int32_t>(burdens_.size()) >= missing) {
      std::sort(burdens_.begin(), burdens_.end());
      std::int64_t sum = 0;
      for (std::int32_t i = 0; i < missing; ++i) sum += burdens_[static_cast<std::size_t>(i)];
      level = static_cast<std::size_t>(std::clamp<std::int64_t>(sum / whole_burden, 0, never - 1));
    }
  }
  table.nodes[table.levels[n.value]].drop(n);
  table.levels[n.value] = static_cast<std::uint8_t>(level);
  if (in) table.nodes[level].put(n);
}

void Clearings::refresh(World& world) {
  if (nodes_version_ != world.nodes_version) {
    nodes_version_ = world.nodes_version;
    tables_.clear();
  }
  for (NodeId n : list_) {
    stirred_[n.value] = false;
    if (n.value >= world.nodes.size()) continue;
    for (auto& [key, table] : tables_) place(world, table, key.first, key.second, n);
  }
  if (!world.log.is_open()) {
    list_.clear();
    return;
  }
  // What is seen inside a what-if may be taken back: these nodes are looked at again.
  for (NodeId n : list_) stirred_[n.value] = true;
}

const std::vector<NodeSet>& Clearings::of(World& world, PoolId pool, std::int32_t devices) {
  refresh(world);
  auto [it, fresh] = tables_.try_emplace({pool, devices});
  Table& table = it->second;
  if (fresh) {
    table.nodes.resize(levels);
    table.levels.assign(world.nodes.size(), never);
    for (std::uint32_t i = 0; i < world.nodes.size(); ++i) place(world, table, pool, devices, NodeId{i});
  }
  return table.nodes;
}

std::int64_t Clearings::fewest(World& world, PoolId pool, const NodeSet& klass, std::int32_t devices,
                               std::int64_t count) {
  const PoolRow& owner = world.pool(pool);
  std::int64_t missing = count;
  for (std::size_t level = static_cast<std::size_t>(devices); level < owner.by_free.levels(); ++level) {
    if (owner.by_free.count(level) == 0) continue;
    const auto& words = owner.by_free.words(level);
    std::int64_t nodes = 0;
    for (std::size_t i = 0; i < words.size(); ++i) nodes += std::popcount(words[i] & klass.word(i));
    missing -= nodes * (static_cast<std::int64_t>(level) / devices);
  }
  if (missing <= 0) return 0;
  const std::int64_t on_one = owner.most_devices / devices;
  const std::vector<NodeSet>& nodes = of(world, pool, devices);
  std::int64_t sum = 0;
  for (std::size_t level = 0; level < never; ++level) {
    const std::int64_t here = std::min(missing, common(nodes[level], klass) * on_one);
    sum += here * static_cast<std::int64_t>(level);
    missing -= here;
    if (missing == 0) return sum;
  }
  return INT64_MAX;
}

}  // namespace muster::sched
