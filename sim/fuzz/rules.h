#pragma once
// Rules: what must be true of a world whatever the engine was asked, worked out from the world's own truth and not from
// the engine's counters. Each answer is the text of the first thing that is wrong, "" when nothing is.

#include <map>
#include <string>

#include "sim/world/world.h"

namespace muster::sim::fuzz {

// Devices, CPU, memory, pods and other resources of every node; labels and taints of what stands there.
std::string check_capacity(const World& world);

// The world before a round, as far as what the round decided is judged by it.
struct Before {
  std::map<std::string, model::Pod> pods;
};
Before remember(const World& world);

// Right after a round: limits and quotas of queues that got something, gangs whole, victims that may be taken, moves
// that have a new place, and the engine's own view equal to the truth.
std::string check_round(const World& world, const Before& before, const sched::Round& round);

}  // namespace muster::sim::fuzz
