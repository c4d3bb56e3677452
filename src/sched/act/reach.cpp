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

// Thousandths of each device that would be given up.
std::vector<std::int32_t> count_given(const World& world, const order::Lines& lines, const std::vector<QueueId>& leaves,
                                      const std::function<bool(JobId)>& admits) {
  std::vector<std::int32_t> given(world.devices.size());
  for (QueueId q : leaves)
    for (const order::Standing& holder : lines.leaf(q).holders) {
      if (!admits(holder.job)) continue;
      for (PodId p : world.job(holder.job).pods) {
        const PodRow& pod = world.pod(p);
        if (pod.node.is_none() || !pod.promised_node.is_none() || !world.is_active(p)) continue;
        const NodeRow& node = world.node(pod.node);
        for (std::uint64_t m = pod.devices; m != 0; m &= m - 1) {
          const auto i = static_cast<std::uint32_t>(std::countr_zero(m));
          if (i >= node.device_count) continue;
          const std::uint32_t d = node.first_device + i;
          given[d] += share_of_device(world.shape(pod.shape), world.devices[d].memory_mib);
        }
      }
    }
  return given;
}

std::int64_t slots_with(const World& world, const Shape& shape, NodeId n, const std::vector<std::int32_t>& given) {
  const GpuRequest& gpu = shape.gpu();
  const NodeRow& row = world.node(n);
  std::int64_t pieces = 0;
  for (std::uint32_t d = row.first_device; d < row.first_device + row.device_count; ++d) {
    const DeviceRow& device = world.devices[d];
    if (device.capacity == 0) continue;
    const std::int32_t left = device.future - given[d];
    if (gpu.kind == GpuRequest::Kind::Whole) {
      pieces += left <= 0 ? 1 : 0;
    } else if (std::int32_t share = share_of_device(shape, device.memory_mib); share > 0) {
      pieces += std::max(0, device.capacity - left) / share;
    }
  }
  return pieces / std::max(1, gpu.devices);
}

}  // namespace

bool is_out_of_reach(const World& world, const order::Lines& lines, const order::Batch& batch, PoolId pool,
                     const std::vector<QueueId>& leaves, const std::function<bool(JobId)>& admits) {
  const std::vector<std::int32_t> given = count_given(world, lines, leaves, admits);
  for (const auto& [id, wanted] : count_shapes(world, batch)) {
    const Shape& shape = world.shape(id);
    if (!shape.wants_gpu() || shape.gpu().kind == GpuRequest::Kind::Mig) continue;
    std::int64_t slots = 0;
    (world.classes[shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
      if (slots < wanted) slots += slots_with(world, shape, n, given);
    });
    if (slots < wanted) return true;
  }
  return false;
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
