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
  std::vector<bool> shared;        // some of it as a share
  std::int64_t beside_others = 0;  // devices of jobs of several pods: one goes, all go
};

Holdings count_holdings(const World& world, const order::Lines& lines, const std::vector<QueueId>& leaves,
                        const std::function<bool(JobId)>& admits) {
  Holdings out{std::vector<std::int32_t>(world.devices.size()), std::vector<bool>(world.devices.size()), 0};
  for (QueueId q : leaves)
    for (const order::Standing& holder : lines.leaf(q).holders) {
      if (!admits(holder.job)) continue;
      const JobRow& job = world.job(holder.job);
      for (PodId p : job.pods) {
        const PodRow& pod = world.pod(p);
        if (pod.node.is_none() || !pod.promised_node.is_none() || !world.is_active(p)) continue;
        const Shape& shape = world.shape(pod.shape);
        const NodeRow& node = world.node(pod.node);
        if (job.pods.size() > 1) out.beside_others += std::popcount(pod.devices);
        for (std::uint64_t m = pod.devices; m != 0; m &= m - 1) {
          const auto i = static_cast<std::uint32_t>(std::countr_zero(m));
          if (i >= node.device_count) continue;
          const std::uint32_t d = node.first_device + i;
          out.milli[d] += share_of_device(shape, world.devices[d].memory_mib);
          if (shape.gpu().is_shared()) out.shared[d] = true;
        }
      }
    }
  return out;
}

// For pods of whole devices: how many find room, and how many whole devices must be taken for as many as are wanted.
// Whole devices are neither made nor lost: those that are free, that victims hold, or that victims' shares leave, go to
// the batch and to the victims that stay or move; who is left over goes for good.
class WholeDevices {
 public:
  WholeDevices(const World& world, const Shape& shape, PoolId pool, const Holdings& held)
      : world_(world), need_(std::max(1, shape.gpu().devices)), costs_(static_cast<std::size_t>(need_) + 1) {
    world.pool(pool).nodes.each([&](NodeId n) { free_ += world_.node(n).free_later; });
    (world.classes[shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) { add(n, held); });
  }
  // -1: not as many find room.
  std::int64_t least_taken(std::int64_t wanted, std::int64_t beside_others) const {
    std::int64_t sum = 0;
    for (std::size_t cost = 0; cost < costs_.size() && wanted > 0; ++cost) {
      const std::int64_t here = std::min(wanted, costs_[cost]);
      sum += here * static_cast<std::int64_t>(cost);
      wanted -= here;
    }
    if (wanted > 0) return -1;
    return std::max<std::int64_t>(0, sum - free_ - beside_others);
  }

 private:
  void add(NodeId n, const Holdings& held) {
    const NodeRow& row = world_.node(n);
    std::int64_t clear = 0, by_shares = 0;
    for (std::uint32_t d = row.first_device; d < row.first_device + row.device_count; ++d) {
      const DeviceRow& device = world_.devices[d];
      if (device.capacity == 0 || device.future - held.milli[d] > 0) continue;
      ++clear;
      if (held.shared[d]) ++by_shares;
    }
    for (std::int64_t slot = 1; slot * need_ <= clear; ++slot)
      ++costs_[static_cast<std::size_t>(std::clamp<std::int64_t>(slot * need_ - by_shares, 0, need_))];
  }

  const World& world_;
  std::int64_t need_;
  std::int64_t free_ = 0;
  std::vector<std::int64_t> costs_;  // slots by the whole devices that they take
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

Reach reach_of(const World& world, const order::Lines& lines, const order::Batch& batch, PoolId pool,
               const std::vector<QueueId>& leaves, const std::function<bool(JobId)>& admits) {
  const Holdings held = count_holdings(world, lines, leaves, admits);
  Reach out;
  for (const auto& [id, wanted] : count_shapes(world, batch)) {
    const Shape& shape = world.shape(id);
    if (shape.gpu().is_shared()) {
      out.none = out.none || count_shares(world, shape, pool, held) < wanted;
    } else if (shape.gpu().kind == GpuRequest::Kind::Whole) {
      const std::int64_t taken = WholeDevices(world, shape, pool, held).least_taken(wanted, held.beside_others);
      out.none = out.none || taken < 0;
      out.leaving = std::max(out.leaving, taken * 1000);
    }
  }
  return out;
}

std::string reach_key(const World& world, const order::Batch& batch, const std::vector<QueueId>& leaves) {
  std::string out;
  auto put = [&](std::uint64_t n) { out.append(reinterpret_cast<const char*>(&n), sizeof n); };
  for (const auto& [id, wanted] : count_shapes(world, batch)) put(id.value), put(static_cast<std::uint64_t>(wanted));
  put(UINT64_MAX);
  for (QueueId q : leaves) put(q.value);
  return out;
}

}  // namespace muster::sched::act
