#pragma once
// Fit: whether a pod of a shape can be on a node, now or once what is going away is gone, and on which devices.

#include <cstdint>
#include <optional>
#include <vector>

#include "sched/state/world.h"

namespace muster::sched::fit {

enum class When { Now, Later };  // Later: counting on what is being released, less what is promised

// What is to be placed: a shape, and the terms of other pods that its labels match.
struct Guest {
  const Shape& shape;
  const std::vector<TermId>& matches;
  bool depends_on_others() const { return shape.is_dynamic || !matches.empty(); }
};
inline Guest guest(const World& world, PodId p) { return {world.shape_of(p), world.pod(p).terms}; }

// CPU, memory, pods, extended resources, ports and what depends on other pods; not devices, not the class.
bool fits_beside(const World& world, const Guest& guest, NodeId n, When when);
// How many pods of the shape the node takes by its resources and devices alone.
std::int64_t slots(const World& world, const Shape& shape, NodeId n, When when);
// The same over the usable nodes of a pool if nothing ran there; remembered until nodes change.
std::int64_t slots_when_empty(World& world, ShapeId shape, PoolId pool);
// Whether these devices, as many as a pod of the shape needs, would do.
bool have_room(const World& world, const Shape& shape, NodeId n, std::uint64_t devices, When when);
// Whether the devices hang on one part of their machine, as far as is known.
bool is_on_one_part(const World& world, NodeId n, std::uint64_t devices);
// The devices that such a pod would get; nullopt: not enough of them. `strategy` ranks devices for shares.
// `most_share`: thousandths that a share may take of each.
std::optional<std::uint64_t> choose_devices(const World& world, const Shape& shape, NodeId n, When when,
                                            Placement strategy, std::int64_t most_share = INT64_MAX);

}  // namespace muster::sched::fit
