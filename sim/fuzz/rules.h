#pragma once
// Rules: what must be true of a world whatever the engine was asked, worked out from the world's own truth and not from
// the engine's counters. Each answer is the text of the first thing that is wrong, "" when nothing is.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/world/world.h"

namespace muster::sim::fuzz {

// Devices, CPU, memory, pods and other resources of every node; labels and taints of what stands there.
std::string check_capacity(const World& world);

// How thoroughly a round is looked at: everything that costs little, or the engine's view of every pod as well.
enum class Depth { Cheap, Full };

// The world before a round, as far as what the round decided is judged by it.
struct Before {
  // In the order of World::pods(), whose keys stay where they are while a round is decided.
  std::vector<std::pair<std::string_view, model::PodState>> states;
  std::optional<model::PodState> of(std::string_view pod) const;
};
Before remember(const World& world);

// Right after a round: limits and quotas of queues that got something, gangs whole, victims that may be taken, moves
// that have a new place, reclaims within what is fair, counters as a recount has them, and the engine's own view equal
// to the truth.
std::string check_round(const World& world, const Before& before, const sched::Round& round, Depth depth);

}  // namespace muster::sim::fuzz
