#pragma once
// A random small world as a scenario document: nodes, queues, jobs, and steps in which things arrive, leave and change.
// One seed gives one document.

#include <cstdint>

#include "sim/scenario/document.h"

namespace muster::sim::fuzz {

document::Scenario make_world(std::uint64_t seed);

}  // namespace muster::sim::fuzz
