#include "sched/rank/scores.h"

#include <algorithm>
#include <bit>
#include <map>

namespace muster::sched::rank {

using model::GpuRequest;

namespace {

constexpr std::uint64_t never = UINT64_MAX;

// The devices of a node: what will be free of each, and those that a pod of the shape could have.
struct Devices {
  std::array<std::int32_t, 64> free;  // `count` of them
  std::size_t count = 0;
  std::int64_t capacity = 0;
  std::uint64_t open = 0;
  std::int32_t milli = 0;  // what the pod takes of the first of these
};

Devices devices_of(const World& world, const Shape& shape, NodeId n) {
  Devices out;
  out.count = world.node(n).device_count;
  for (std::size_t i = 0; i < out.count; ++i) {
    const DeviceRow& d = world.device(n, static_cast<int>(i));
    out.free[i] = std::max(0, d.capacity - d.future);
    out.capacity += d.capacity;
    if (!shape.wants_gpu() || d.capacity == 0) continue;
    const std::int32_t share = share_of_device(shape, d.memory_mib);
    if (share <= 0 || share > out.free[i]) continue;
    if (out.open == 0) out.milli = share;
    out.open |= std::uint64_t{1} << i;
  }
  return out;
}

// By the node's counters alone: most nodes of a full cluster are ruled out here.
bool may_have_devices(const NodeRow& row, const Shape& shape) {
  const GpuRequest& gpu = shape.gpu();
  if (gpu.kind == GpuRequest::Kind::Whole) return row.free_later >= gpu.devices;
  if (gpu.kind == GpuRequest::Kind::Portion) return row.free_later > 0 || row.room >= gpu.milli;
  return true;
}

// A shape's part of all pods in thousandths, so that single pods coming and going change no score.
void round_counts(std::vector<Demand>& demands) {
  std::int64_t all = 0;
  for (const Demand& d : demands) all += d.count;
  bool some = false;
  for (Demand& d : demands) {
    d.count = (d.count * 1000 + all / 2) / std::max<std::int64_t>(all, 1);
    some = some || d.count > 0;
  }
  if (!some)
    for (Demand& d : demands) d.count = 1;
  std::erase_if(demands, [](const Demand& d) { return d.count == 0; });
}

}  // namespace

bool Scores::Fleet::same_as(const Fleet& other) const {
  const auto same_demand = [](const Demand& a, const Demand& b) {
    return a.ask == b.ask && a.klass == b.klass && a.count == b.count;
  };
  const auto same_kind = [](const NodeKind& a, const NodeKind& b) { return a.classes == b.classes && a.gpu == b.gpu; };
  return most_cpu == other.most_cpu && most_gpu == other.most_gpu && kind_of == other.kind_of &&
         std::equal(demands.begin(), demands.end(), other.demands.begin(), other.demands.end(), same_demand) &&
         std::equal(kinds.begin(), kinds.end(), other.kinds.begin(), other.kinds.end(), same_kind);
}

Scores& Scores::of(World& world) {
  if (!world.scores) world.scores = std::shared_ptr<Scores>(new Scores(world));
  world.scores->refresh();
  return *world.scores;
}

void Scores::refresh() {
  if (nodes_version_ == world_.nodes_version && shapes_version_ == world_.shapes_version) return;
  bool same = nodes_version_ == world_.nodes_version;
  fleets_.resize(world_.pools.size());
  for (std::uint32_t p = 0; p < world_.pools.size(); ++p) {
    const PoolRow& row = world_.pools[p];
    if (row.gpu != Placement::Fragmentation && row.cpu != Placement::Fragmentation) continue;
    Fleet fresh = survey(PoolId{p});
    if (same && fresh.same_as(fleets_[p])) continue;
    same = false;
    fresh.gradient = Gradient(Mix(fresh.demands, fresh.kinds), fresh.most_cpu, fresh.most_gpu);
    fleets_[p] = std::move(fresh);
  }
  if (!same) lines_.clear();
  nodes_version_ = world_.nodes_version, shapes_version_ = world_.shapes_version;
}

// Which pods ask for what, as far as the pool's nodes would have them.
Scores::Fleet Scores::survey(PoolId pool_id) const {
  const PoolRow& pool = world_.pool(pool_id);
  struct Group {  // of shapes that the same nodes admit
    std::vector<Demand> demands;
    std::int64_t gpu = 0;
    NodeSet nodes;
  };
  std::map<std::vector<std::uint64_t>, Group> groups;
  std::map<std::uint32_t, Group*> by_class;
  for (const Shape& shape : world_.shapes) {
    if (shape.pods == 0 || shape.gpu().kind == GpuRequest::Kind::Mig) continue;
    auto [place, fresh] = by_class.emplace(shape.klass.value, nullptr);
    if (fresh) {
      NodeSet nodes = world_.classes[shape.klass.value].nodes & pool.nodes;
      std::vector<std::uint64_t> words(pool.nodes.word_count());
      for (std::size_t i = 0; i < words.size(); ++i) words[i] = nodes.word(i);
      place->second = &groups[words];
      place->second->nodes = std::move(nodes);
    }
    const Ask ask{shape.constraints.cpu, shape.gpu().devices,
                  shape.wants_gpu() ? share_of_device(shape, pool.least_mib) : 0};
    place->second->demands.push_back({ask, 0, shape.pods});
    place->second->gpu += static_cast<std::int64_t>(shape.pods) * ask.devices * ask.milli;
  }
  std::vector<Group*> order;
  for (auto& [words, group] : groups)
    if (!group.nodes.empty()) order.push_back(&group);
  std::stable_sort(order.begin(), order.end(), [](const Group* a, const Group* b) { return a->gpu > b->gpu; });
  if (order.size() > Mix::most_classes) order.resize(Mix::most_classes);
  Fleet out;
  std::vector<NodeSet> classes;
  for (std::uint32_t c = 0; c < order.size(); ++c) {
    for (Demand d : order[c]->demands) {
      d.klass = c;
      out.demands.push_back(d);
    }
    classes.push_back(order[c]->nodes);
  }
  round_counts(out.demands);
  sort_nodes(out, pool_id, classes);
  return out;
}

void Scores::sort_nodes(Fleet& fleet, PoolId pool, const std::vector<NodeSet>& classes) const {
  std::map<std::uint64_t, std::uint32_t> kinds;
  fleet.kind_of.assign(world_.nodes.size(), 0);
  world_.pool(pool).nodes.each([&](NodeId n) {
    std::uint64_t admits = 0;
    for (std::size_t c = 0; c < classes.size(); ++c) admits |= std::uint64_t{classes[c].has(n)} << c;
    const auto [kind, fresh] = kinds.emplace(admits, static_cast<std::uint32_t>(fleet.kinds.size()));
    if (fresh) fleet.kinds.push_back({admits, 0});
    std::int64_t gpu = 0;
    for (std::uint32_t i = 0; i < world_.node(n).device_count; ++i)
      gpu += world_.device(n, static_cast<int>(i)).capacity;
    fleet.kinds[kind->second].gpu += gpu;
    fleet.kind_of[n.value] = kind->second;
    fleet.most_cpu = std::max(fleet.most_cpu, world_.offered(n, dim_cpu));
    fleet.most_gpu = std::max(fleet.most_gpu, gpu);
  });
}

std::int32_t Scores::score(PoolId pool, const Shape& shape, NodeId n) const {
  const std::int64_t cpu = world_.future(n, dim_cpu);
  if (cpu < shape.constraints.cpu || !may_have_devices(world_.node(n), shape)) return unfit;
  const Devices devices = devices_of(world_, shape, n);
  const Ask ask{shape.constraints.cpu, shape.gpu().devices, devices.milli};
  if (std::popcount(devices.open) < ask.devices) return unfit;
  const Fleet& fleet = fleets_[pool.value];
  const Room room{cpu, fleet.kind_of[n.value], {devices.free.data(), devices.count}};
  return fleet.gradient.score({room, world_.offered(n, dim_cpu), devices.capacity}, ask, devices.open);
}

std::uint64_t Scores::device(PoolId pool, const Shape& shape, NodeId n, std::uint64_t open) const {
  const Devices devices = devices_of(world_, shape, n);
  const Fleet& fleet = fleets_[pool.value];
  const Room room{world_.future(n, dim_cpu), fleet.kind_of[n.value], {devices.free.data(), devices.count}};
  const std::int32_t milli = share_of_device(shape, world_.device(n, std::countr_zero(open)).memory_mib);
  return fleet.gradient.mix().take(room, {shape.constraints.cpu, 1, milli}, open).devices;
}

Scores::Line& Scores::line(PoolId pool, ShapeId shape_id) {
  const Shape& shape = world_.shape(shape_id);
  const GpuRequest& gpu = shape.gpu();
  const Key key{pool.value, shape.klass.value, shape.constraints.cpu, gpu.memory_mib, gpu.devices, gpu.milli};
  auto found = lines_.find(key);
  if (found == lines_.end()) {
    const std::size_t most = std::max(least_lines, most_scores / std::max<std::size_t>(world_.nodes.size(), 1));
    if (lines_.size() >= most) lines_.clear();
    found = lines_.emplace(key, Line(world_, *this, pool, shape_id)).first;
  }
  // A shape that asks for the same may have come in the place of the one that the line began with.
  found->second.shape_ = shape_id;
  return found->second;
}

Scores::Line::Line(const World& world, const Scores& scores, PoolId pool, ShapeId shape)
    : world_(&world), scores_(&scores), pool_(pool), shape_(shape) {
  const std::size_t nodes = world.nodes.size(), blocks = (nodes + 63) / 64;
  stamps_.assign(nodes, never), scores_of_.assign(nodes, unfit);
  block_stamps_.assign(blocks, never), best_.assign(blocks, unfit);
}

std::int32_t Scores::Line::at(NodeId n) {
  const std::uint64_t stamp = world_->node(n).stamp;
  if (stamps_[n.value] != stamp) {
    scores_of_[n.value] = scores_->score(pool_, world_->shape(shape_), n);
    stamps_[n.value] = stamp;
  }
  return scores_of_[n.value];
}

std::int32_t Scores::Line::best_of(std::size_t block) {
  const std::uint64_t stamp = world_->stamp_of_block(block);
  if (block_stamps_[block] == stamp) return best_[block];
  std::int32_t best = unfit;
  const NodeSet& admitted = world_->classes[world_->shape(shape_).klass.value].nodes;
  for (std::uint64_t w = admitted.word(block) & world_->pool(pool_).nodes.word(block); w != 0; w &= w - 1)
    best = std::max(best,
                    at(NodeId{static_cast<std::uint32_t>(block * 64 + static_cast<std::size_t>(std::countr_zero(w)))}));
  block_stamps_[block] = stamp;
  return best_[block] = best;
}

}  // namespace muster::sched::rank
