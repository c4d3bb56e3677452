#include "sched/fit/fit.h"

#include <algorithm>
#include <bit>

#include "sched/fit/others.h"

namespace muster::sched::fit {

using model::GpuRequest;

namespace {

std::int64_t room(const World& world, NodeId n, DimId d, When when) {
  std::int64_t later = world.future(n, d);
  return when == When::Later ? later : std::min(later, world.idle(n, d));
}

bool is_free(const DeviceRow& d, When when) {
  return d.capacity > 0 && d.future == 0 && (when == When::Later || d.now == 0);
}

std::int32_t device_room(const DeviceRow& d, When when) {
#ifdef MUSTER_FAULT_OVERCOMMIT_DEVICE
  if (d.future == 750) return d.capacity;
#endif
  return d.capacity - (when == When::Later ? d.future : std::max(d.now, d.future));
}

}  // namespace

bool fits_beside(const World& world, const Guest& guest, NodeId n, When when) {
  for (auto [d, amount] : guest.shape.need)
    if (room(world, n, d, when) < amount && (world.config.predicates || d != dim_pods)) return false;
  return !guest.depends_on_others() || !world.config.predicates || allowed_by_others(world, guest, n, when);
}

std::int64_t slots(const World& world, const Shape& shape, NodeId n, When when) {
  std::int64_t least = INT64_MAX;
  for (auto [d, amount] : shape.need)
    least = std::min(least, std::max<std::int64_t>(0, room(world, n, d, when)) / amount);
  const GpuRequest& gpu = shape.gpu();
  const NodeRow& row = world.node(n);
  if (gpu.kind == GpuRequest::Kind::Whole) {
    std::int64_t free = when == When::Later ? row.free_later : row.free_now;
    least = std::min(least, free / std::max(1, gpu.devices));
  } else if (gpu.is_shared()) {
    std::int64_t pieces = 0;
    for (std::uint32_t i = 0; i < row.device_count; ++i) {
      const DeviceRow& d = world.device(n, static_cast<int>(i));
      std::int32_t share = share_of_device(shape, d.memory_mib);
      if (share > 0) pieces += std::max(0, device_room(d, when)) / share;
    }
    // An upper bound where one pod needs several devices.
    least = std::min(least, pieces / std::max(1, gpu.devices));
  }
  return least;
}

std::int64_t slots_when_empty(World& world, ShapeId shape_id, PoolId pool) {
  if (world.empty_slots_version != world.nodes_version) {
    world.empty_slots.clear();
    world.empty_slots_version = world.nodes_version;
  }
  std::uint64_t key = (static_cast<std::uint64_t>(pool.value) << 32) | shape_id.value;
  auto [it, fresh] = world.empty_slots.emplace(key, 0);
  if (!fresh) return it->second;
  const Shape& shape = world.shape(shape_id);
  const GpuRequest& gpu = shape.gpu();
  std::int64_t sum = 0;
  (world.classes[shape.klass.value].nodes & world.pool(pool).nodes).each([&](NodeId n) {
    std::int64_t least = INT64_MAX;
    for (auto [d, amount] : shape.need)
      if (world.config.predicates || d != dim_pods) least = std::min(least, world.offered(n, d) / amount);
    std::int64_t pieces = 0, whole = 0;
    for (std::uint32_t i = 0; i < world.node(n).device_count; ++i) {
      const DeviceRow& d = world.device(n, static_cast<int>(i));
      std::int32_t share = share_of_device(shape, d.memory_mib);
      whole += d.capacity > 0 ? 1 : 0;
      if (share > 0) pieces += d.capacity / share;
    }
    if (gpu.kind == GpuRequest::Kind::Whole) least = std::min(least, whole / std::max(1, gpu.devices));
    if (gpu.is_shared()) least = std::min(least, pieces / std::max(1, gpu.devices));
    sum += std::min<std::int64_t>(least, 1 << 20);
  });
  return it->second = sum;
}

bool have_room(const World& world, const Shape& shape, NodeId n, std::uint64_t devices, When when) {
  if (std::popcount(devices) != shape.gpu().devices) return false;
  for (; devices != 0; devices &= devices - 1) {
    int i = std::countr_zero(devices);
    if (static_cast<std::uint32_t>(i) >= world.node(n).device_count) return false;
    const DeviceRow& d = world.device(n, i);
    if (d.capacity == 0 || share_of_device(shape, d.memory_mib) > device_room(d, when)) return false;
  }
  return true;
}

bool is_on_one_part(const World& world, NodeId n, std::uint64_t devices) {
  if (world.node(n).parts <= 1 || devices == 0) return true;
  const std::int32_t first = world.device(n, std::countr_zero(devices)).numa;
  for (std::uint64_t m = devices; m != 0; m &= m - 1)
    if (world.device(n, std::countr_zero(m)).numa != first || first < 0) return false;
  return true;
}

namespace {

// Of the devices that would do, those of the NUMA node with the fewest that suffice; all of them where none has enough.
std::uint64_t on_one_part(const World& world, NodeId n, std::uint64_t good, int count) {
  std::uint64_t best = good;
  int fewest = INT32_MAX;
  for (std::uint64_t left = good; left != 0;) {
    const std::int32_t numa = world.device(n, std::countr_zero(left)).numa;
    std::uint64_t part = 0;
    for (std::uint64_t m = left; m != 0; m &= m - 1)
      if (world.device(n, std::countr_zero(m)).numa == numa) part |= m & -m;
    left &= ~part;
    if (int has = std::popcount(part); numa >= 0 && has >= count && has < fewest) best = part, fewest = has;
  }
  return best;
}

}  // namespace

std::optional<std::uint64_t> choose_devices(const World& world, const Shape& shape, NodeId n, When when,
                                            Placement strategy, std::int64_t most_share) {
  const GpuRequest& gpu = shape.gpu();
  if (gpu.devices == 0 || gpu.kind == GpuRequest::Kind::Mig) return 0;
  const NodeRow& row = world.node(n);
  const int count = static_cast<int>(row.device_count);
  std::uint64_t mask = 0;
  int missing = gpu.devices;
  std::uint64_t allowed = ~std::uint64_t{0};
  if (row.parts > 1 && gpu.devices > 1) {
    std::uint64_t good = 0;
    for (int i = 0; i < count; ++i) {
      const DeviceRow& d = world.device(n, i);
      const std::int32_t share = share_of_device(shape, d.memory_mib);
      bool fits = gpu.kind == GpuRequest::Kind::Whole ? is_free(d, when)
                                                      : d.capacity > 0 && share > 0 && share <= device_room(d, when);
      if (fits && share <= most_share) good |= std::uint64_t{1} << i;
    }
    allowed = on_one_part(world, n, good, gpu.devices);
  }
  if (gpu.kind == GpuRequest::Kind::Whole) {
    if ((when == When::Later ? row.free_later : row.free_now) < missing) return std::nullopt;
    // What waits anyway takes what is being released first and leaves the idle ones to others.
    for (int pass = when == When::Later ? 0 : 1; pass < 2 && missing > 0; ++pass) {
      for (int i = 0; i < count && missing > 0; ++i) {
        const DeviceRow& d = world.device(n, i);
        if ((mask >> i & 1) != 0 || (allowed >> i & 1) == 0 || !is_free(d, when) || (pass == 0 && d.now == 0)) continue;
        mask |= std::uint64_t{1} << i, --missing;
      }
    }
    return missing == 0 ? std::optional(mask) : std::nullopt;
  }
  while (missing > 0) {
    int best = -1;
    std::int32_t best_used = 0;
    for (int i = 0; i < count; ++i) {
      const DeviceRow& d = world.device(n, i);
      std::int32_t share = share_of_device(shape, d.memory_mib);
      if ((mask >> i & 1) != 0 || d.capacity == 0 || share <= 0 || share > device_room(d, when)) continue;
      if (share > most_share || (allowed >> i & 1) == 0) continue;
      std::int32_t used = d.future;
      bool better = best < 0 || (strategy == Placement::Spread ? used < best_used : used > best_used);
      if (better) best = i, best_used = used;
    }
    if (best < 0) return std::nullopt;
    mask |= std::uint64_t{1} << best, --missing;
  }
  return mask;
}

}  // namespace muster::sched::fit
