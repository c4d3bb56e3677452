#include "sched/act/reach.h"

#include <algorithm>
#include <bit>
#include <map>

namespace muster::sched::act {

namespace {

using model::GpuRequest;

std::map<ShapeId, std::int64_t> count_shapes(const World& world, const order::Batch& batch) {
  std::map<ShapeId, std::int64_t> out;
  for (PodId p : batch.pods) ++out[world.pod(p).shape];
  return out;
}

// What the victims hold, by device.
struct Holdings {
  std::vector<std::int32_t> milli;
  std::vector<std::int32_t> side;  // who holds it whole, as an index of `most`; -1: nobody does
  std::vector<std::int64_t> most;  // devices that a side can be made to give up for good
  std::int64_t beside_others = 0;  // devices of jobs of several pods: one goes, all go
};

class Counting {
 public:
  Counting(const World& world, const order::Lines& lines) : world_(world), lines_(lines) {
    held_.milli.resize(world.devices.size());
    held_.side.assign(world.devices.size(), -1);
  }
  void add(const Giver& giver, const std::function<bool(JobId)>& admits) {
    const auto [known, fresh] = sides_.try_emplace(giver.side, static_cast<std::int32_t>(held_.most.size()));
    if (fresh) held_.most.push_back(giver.most / 1000);
    for (const order::Standing& holder : lines_.leaf(giver.leaf).holders)
      if (admits(holder.job)) add(world_.job(holder.job), known->second);
  }
  const Holdings& held() const { return held_; }

 private:
  void add(const JobRow& job, std::int32_t side) {
    for (PodId p : job.pods) {
      const PodRow& pod = world_.pod(p);
      if (pod.node.is_none() || !pod.promised_node.is_none() || !world_.is_active(p)) continue;
      const Shape& shape = world_.shape(pod.shape);
      const NodeRow& node = world_.node(pod.node);
      if (job.pods.size() > 1) held_.beside_others += std::popcount(pod.devices);
      for (std::uint64_t m = pod.devices; m != 0; m &= m - 1) {
        const auto i = static_cast<std::uint32_t>(std::countr_zero(m));
        if (i >= node.device_count) continue;
        const std::uint32_t d = node.first_device + i;
        held_.milli[d] += share_of_device(shape, world_.devices[d].memory_mib);
        if (!shape.gpu().is_shared()) held_.side[d] = side;
      }
    }
  }

  const World& world_;
  const order::Lines& lines_;
  Holdings held_;
  std::map<QueueId, std::int32_t> sides_;
};

// For pods of whole devices. Whole devices are neither made nor lost: those that are free, that victims hold, or that
// victims' shares leave, go to the batch and to the victims that stay or move; who is left over goes for good, and of
// these no side gives more than it must.
class WholeDevices {
 public:
  WholeDevices(const World& world, const Shape& shape, PoolId pool, const Holdings& held)
      : world_(world),
        held_(held),
        need_(std::max(1, shape.gpu().devices)),
        slots_(static_cast<std::size_t>(need_) + 1),
        forced_(slots_.size()) {
    world.pool(pool).nodes.each([&](NodeId n) { free_ += world_.node(n).free_later; });
    (world.classes[shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) { add(n); });
  }
  bool is_enough_for(std::int64_t wanted) const {
    const std::int64_t spare = free_ + held_.beside_others;  // at most so many can be moved to
    std::int64_t most = 0;
    for (std::int64_t m : held_.most) most = std::min(most + m, std::int64_t{1} << 40);
    const std::int64_t taken = least(slots_, wanted), moved = least(forced_, wanted);
    return taken >= 0 && taken - spare <= most && moved <= spare;
  }

 private:
  // Sum of the smallest; -1: there are not so many.
  static std::int64_t least(const std::vector<std::int64_t>& counts, std::int64_t wanted) {
    std::int64_t sum = 0;
    for (std::size_t cost = 0; cost < counts.size() && wanted > 0; ++cost) {
      const std::int64_t here = std::min(wanted, counts[cost]);
      sum += here * static_cast<std::int64_t>(cost);
      wanted -= here;
    }
    return wanted > 0 ? -1 : sum;
  }
  void add(NodeId n) {
    const NodeRow& row = world_.node(n);
    std::int64_t clear = 0, whole = 0, given = 0;
    of_side_.assign(held_.most.size(), 0);
    for (std::uint32_t d = row.first_device; d < row.first_device + row.device_count; ++d) {
      const DeviceRow& device = world_.devices[d];
      if (device.capacity == 0 || device.future - held_.milli[d] > 0) continue;
      ++clear;
      if (held_.side[d] < 0) continue;
      const auto side = static_cast<std::size_t>(held_.side[d]);
      ++whole;
      if (++of_side_[side] <= held_.most[side]) ++given;
    }
    for (std::int64_t slot = 1; slot * need_ <= clear; ++slot) {
      const std::int64_t wanted = slot * need_ - (clear - whole);
      ++slots_[static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 0, need_))];
      ++forced_[static_cast<std::size_t>(std::clamp<std::int64_t>(wanted - given, 0, need_))];
    }
  }

  const World& world_;
  const Holdings& held_;
  std::int64_t need_;
  std::int64_t free_ = 0;
  std::vector<std::int64_t> slots_;   // by the whole devices that must be taken for one
  std::vector<std::int64_t> forced_;  // by those of them that no side gives up: whose jobs must move
  std::vector<std::int64_t> of_side_;
};

std::int64_t count_shares(const World& world, const Shape& shape, PoolId pool, const Holdings& held) {
  std::int64_t slots = 0;
  (world.classes[shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
    const NodeRow& row = world.node(n);
    std::int64_t pieces = 0;
    for (std::uint32_t d = row.first_device; d < row.first_device + row.device_count; ++d) {
      const DeviceRow& device = world.devices[d];
      const std::int32_t share = share_of_device(shape, device.memory_mib);
      if (share > 0) pieces += std::max(0, device.capacity - device.future + held.milli[d]) / share;
    }
    slots += pieces / std::max(1, shape.gpu().devices);
  });
  return slots;
}

}  // namespace

bool is_out_of_reach(const World& world, const order::Lines& lines, const order::Batch& batch, PoolId pool,
                     const std::vector<Giver>& givers, const std::function<bool(JobId)>& admits) {
  Counting counting(world, lines);
  for (const Giver& giver : givers) counting.add(giver, admits);
  for (const auto& [id, wanted] : count_shapes(world, batch)) {
    const Shape& shape = world.shape(id);
    if (shape.gpu().is_shared() && count_shares(world, shape, pool, counting.held()) < wanted) return true;
    if (shape.gpu().kind != GpuRequest::Kind::Whole) continue;
    if (!WholeDevices(world, shape, pool, counting.held()).is_enough_for(wanted)) return true;
  }
  return false;
}

}  // namespace muster::sched::act
