// Deltas of nodes, and what follows from them: constraint classes, pools' sums, places by name.

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/core.h>

#include "sched/state/world.h"

namespace muster::sched {

namespace {
constexpr std::size_t max_devices = 64;  // one mask

// "nvidia.com/mig-3g.40gb" -> 3 (product rule 3.9.2)
std::int64_t gpus_of_profile(std::string_view name) {
  auto at = name.find("mig-");
  if (at == std::string_view::npos) return 0;
  std::int64_t n = 0;
  for (char c : name.substr(at + 4)) {
    if (c < '0' || c > '9') break;
    n = n * 10 + (c - '0');
  }
  return n;
}
}  // namespace

void World::restride() {
  std::size_t want = stride_;
  while (want < dims.size()) want += 4;
  std::size_t rows = std::max(nodes.size(), std::size_t{1});
  std::vector<std::int64_t>* columns[] = {&idle_, &future_, &offered_};
  for (auto* column : columns) {
    if (want != stride_) {
      std::vector<std::int64_t> wide(rows * want);
      for (std::size_t n = 0; n * stride_ < column->size(); ++n)
        for (std::size_t d = 0; d < stride_; ++d) wide[n * want + d] = (*column)[n * stride_ + d];
      *column = std::move(wide);
    }
    column->resize(rows * want);
  }
  stride_ = want;
  block_stamps_.resize(rows / 64 + 1);
}

DimId World::dim(std::string_view name) {
  DimId d = dims.of(name);
  if (d >= stride_) {
    CHECK(!log.is_open(), "resources are named by deltas, not inside a what-if");
    restride();
  }
  return d;
}

void World::admit_node(NodeId n) {
  for (auto& klass : classes) {
    bool in = node(n).live && class_admits(klass, *node(n).noun, config.predicates, config.restrict_scheduling);
    klass.nodes.put(n, in);
    klass.avoided.put(n, in && config.predicates && is_avoided(klass, *node(n).noun));
  }
}

std::vector<PodId> World::pods_on(NodeId n) const {
  std::vector<PodId> out;
  for (PodId p = node(n).held; !p.is_none(); p = pod(p).held_next) out.push_back(p);
  for (PodId p = node(n).promised; !p.is_none(); p = pod(p).promised_next)
    if (pod(p).node != n || !model::holds_resources(pod(p).state)) out.push_back(p);
  return out;
}

void World::offer(NodeId n, const model::Node& noun) {
  std::vector<std::pair<DimId, std::int64_t>> offers = {
      {dim_cpu, noun.cpu}, {dim_memory, noun.memory}, {dim_pods, noun.pods}};
  for (const auto& [name, amount] : noun.extended) offers.emplace_back(dim(name), amount);
  for (const auto& [name, amount] : noun.mig_instances) offers.emplace_back(dim(name), amount);
  std::size_t base = n.value * stride_;
  for (std::size_t d = 0; d < stride_; ++d) idle_[base + d] = future_[base + d] = offered_[base + d] = 0;
  for (auto [d, amount] : offers) idle_[base + d] = future_[base + d] = offered_[base + d] = amount;
  NodeRow& row = node(n);
  if (row.device_count != noun.devices.size() || row.device_count == 0) {
    row.first_device = static_cast<std::uint32_t>(devices.size());
    row.device_count = static_cast<std::uint32_t>(noun.devices.size());
    devices.resize(devices.size() + noun.devices.size());
  }
  row.free_now = row.free_later = 0;
  for (std::uint32_t i = 0; i < row.device_count; ++i) {
    const auto& d = noun.devices[i];
    // Devices cut into MIG instances are not given whole.
    bool given = d.healthy && noun.mig != model::Node::Mig::Mixed;
    devices[row.first_device + i] = {0, 0, given ? 1000 : 0, d.memory_mib, 0, d.numa};
    if (given) ++row.free_now, ++row.free_later;
  }
  std::set<std::int32_t> parts;
  for (const auto& d : noun.devices)
    if (d.numa >= 0) parts.insert(d.numa);
  row.parts = static_cast<std::int32_t>(parts.size());
}

Result<void> World::upsert(const model::Node& noun) {
  if (noun.name.empty()) return invalid("node without a name");
  if (noun.devices.size() > max_devices)
    return invalid(
        fmt::format("node \"{}\": {} devices, at most {} are supported", noun.name, noun.devices.size(), max_devices));
  if (noun.cpu < 0 || noun.memory < 0 || noun.pods < 0)
    return invalid(fmt::format("node \"{}\" offers less than nothing", noun.name));
  // From here on the buckets wait to be filled anew.
  nodes_dirty_ = true;
  NodeId n = find_node(noun.name);
  if (n.is_none()) {
    if (free_nodes_.empty()) {
      n = NodeId{static_cast<std::uint32_t>(nodes.size())};
      nodes.emplace_back();
      restride();
    } else {
      n = free_nodes_.back();
      free_nodes_.pop_back();
      node(n) = {};
    }
    node_by_name_[noun.name] = n;
  }
  std::vector<PodId> here = node(n).live ? pods_on(n) : std::vector<PodId>{};
  for (PodId p : here) account(p, -1);
  NodeRow& row = node(n);
  row.live = true;
  if (row.noun) {
    *row.noun = noun;
  } else {
    row.noun = std::make_unique<model::Node>(noun);
  }
  row.usable = noun.ready && !noun.unschedulable;
  row.pool = pool_of(noun);
  offer(n, noun);
  domains.set_node(n, *node(n).noun);
  admit_node(n);
  for (PodId p : here) account(p, 1);
  auto homeless = homeless_.find(noun.name);
  if (homeless != homeless_.end()) {
    std::vector<PodId> list = std::move(homeless->second);
    homeless_.erase(homeless);
    for (PodId p : list) {
      account(p, -1);
      pod(p).node = n;
      account(p, 1);
      if (pod(p).unassigned) unassigned_.push_back(p);
      here.push_back(p);
    }
  }
  for (PodId p : here) stay_home(pod(p).job);
  ++nodes_version;
  return {};
}

void World::remove_node(const std::string& name) {
  NodeId n = find_node(name);
  if (n.is_none()) return;
  nodes_dirty_ = true;
  for (PodId p : pods_on(n)) {
    account(p, -1);
    PodRow& row = pod(p);
    if (row.promised_node == n) row.promised_node = {}, row.promised_devices = 0;
    if (row.node == n) {
      row.node = {};
      homeless_[name].push_back(p);
    }
    account(p, 1);
  }
  node(n).live = node(n).usable = false;
  admit_node(n);
  domains.drop_node(n);
  node_by_name_.erase(name);
  free_nodes_.push_back(n);
  ++nodes_version;
}

void World::renumber_nodes() {
  std::vector<NodeId> order;
  for (std::uint32_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].live) order.push_back(NodeId{i});
  std::sort(order.begin(), order.end(), [&](NodeId a, NodeId b) { return node(a).noun->name < node(b).noun->name; });
  bool in_place = order.size() == nodes.size();
  for (std::uint32_t i = 0; i < order.size() && in_place; ++i) in_place = order[i].value == i;
  if (in_place) return;
  std::vector<NodeId> to(nodes.size());
  std::vector<NodeRow> rows(order.size());
  std::vector<std::int64_t> idle(std::max<std::size_t>(order.size(), 1) * stride_), future(idle), offered(idle);
  std::vector<DeviceRow> parts;
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    NodeId old = order[i];
    to[old.value] = NodeId{i};
    rows[i] = std::move(node(old));
    for (std::size_t d = 0; d < stride_; ++d) {
      idle[i * stride_ + d] = idle_[old.value * stride_ + d];
      future[i * stride_ + d] = future_[old.value * stride_ + d];
      offered[i * stride_ + d] = offered_[old.value * stride_ + d];
    }
    auto first = devices.begin() + rows[i].first_device;
    rows[i].first_device = static_cast<std::uint32_t>(parts.size());
    parts.insert(parts.end(), first, first + rows[i].device_count);
    node_by_name_[rows[i].noun->name] = NodeId{i};
  }
  nodes = std::move(rows), devices = std::move(parts);
  idle_ = std::move(idle), future_ = std::move(future), offered_ = std::move(offered);
  free_nodes_.clear();
  auto follow = [&](NodeId& n) {
    if (!n.is_none()) n = n.value < to.size() ? to[n.value] : NodeId{};
  };
  for (auto& p : pods) follow(p.node), follow(p.promised_node), follow(p.claim), follow(p.before_node);
  for (auto& klass : classes) klass.nodes.renumber(to), klass.avoided.renumber(to);
  domains.renumber(to, nodes.size());
}

void World::refresh_nodes() {
  renumber_nodes();
  std::vector<std::int64_t> least;
  for (auto& p : pools) {
    least.push_back(p.least_mib);
    p.nodes.clear(), p.offered = {}, p.least_mib = p.most_mib = 0, p.foreign = {}, p.most_devices = 0, p.uniform = true,
                     p.has_parts = false;
  }
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const NodeRow& row = nodes[i];
    if (!row.usable) continue;
    PoolRow& p = pools[row.pool.value];
    bool first = p.nodes.empty();
    p.nodes.put(NodeId{i});
    p.offered.cpu += row.noun->cpu, p.offered.memory += row.noun->memory;
    for (std::size_t k = 0; k < named_resources.size(); ++k) {
      if (auto it = row.noun->extended.find(named_resources[k]); it != row.noun->extended.end())
        p.offered.named[k] += it->second;
      if (auto it = row.noun->mig_instances.find(named_resources[k]); it != row.noun->mig_instances.end())
        p.offered.named[k] += it->second;
    }
    auto count = static_cast<std::int32_t>(row.device_count);
    p.uniform = p.uniform && (first || count == p.most_devices);
    p.most_devices = std::max(p.most_devices, count);
    p.has_parts = p.has_parts || row.parts > 1;
    if (row.noun->mig == model::Node::Mig::Mixed) {
      for (const auto& [name, n] : row.noun->mig_instances) p.offered.gpu += gpus_of_profile(name) * n * 1000;
      continue;
    }
    for (const auto& d : row.noun->devices) {
      if (!d.healthy) continue;
      p.offered.gpu += 1000;
      if (p.least_mib == 0 || d.memory_mib < p.least_mib) p.least_mib = d.memory_mib;
      p.most_mib = std::max(p.most_mib, d.memory_mib);
    }
  }
  // Memory requests that wait are charged by the smallest device of the pool.
  for (std::size_t i = 0; i < pools.size(); ++i)
    if (least[i] != pools[i].least_mib) queues_dirty_ = true;
  for (std::uint32_t i = 0; i < pods.size(); ++i) {
    const PodRow& p = pods[i];
    if (!p.live || !p.foreign || p.node.is_none() || !model::holds_resources(p.state) || !node(p.node).usable) continue;
    pools[node(p.node).pool.value].foreign += demand(shape(p.shape), node(p.node).pool);
  }
  topologies.clear();
  for (const auto& t : config.topologies) topologies.push_back(build_topology(t, nodes));
  fill_buckets();
  nodes_dirty_ = false;
  ++shares_version;
}

void World::fill_buckets() {
  for (auto& p : pools) {
    p.by_free.reset(static_cast<std::size_t>(p.most_devices) + 1, nodes.size());
    p.by_room.reset(room_levels, nodes.size());
    p.free_gpu = 0;
  }
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    NodeRow& row = nodes[i];
    if (!row.usable) continue;
    row.room = room_of(NodeId{i});
    for (std::uint32_t d = 0; d < row.device_count; ++d) {
      const DeviceRow& dev = devices[row.first_device + d];
      pools[row.pool.value].free_gpu += std::max(0, dev.capacity - dev.future);
    }
    pools[row.pool.value].by_free.put(static_cast<std::size_t>(row.free_later), NodeId{i});
    pools[row.pool.value].by_room.put(static_cast<std::size_t>(row.room / room_step), NodeId{i});
  }
}

void World::assign_devices(PodId p) {
  const Shape& s = shape_of(p);
  NodeId n = pod(p).node;
  int count = static_cast<int>(node(n).device_count);
  std::uint64_t mask = 0;
  auto take = [&](auto&& good) {
    for (int i = 0; i < count && std::popcount(mask) < s.gpu().devices; ++i)
      if ((mask >> i & 1) == 0 && device(n, i).capacity > 0 && good(device(n, i))) mask |= std::uint64_t{1} << i;
  };
  take([](const DeviceRow& d) { return d.now == 0; });
  if (s.gpu().is_shared())
    take([&](const DeviceRow& d) { return d.now + share_of_device(s, d.memory_mib) <= d.capacity; });
  account(p, -1);
  pod(p).devices = mask;
  pod(p).unassigned = false;
  account(p, 1);
}

}  // namespace muster::sched
