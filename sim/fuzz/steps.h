#pragma once
// Steps of random worlds: they may name what has gone meanwhile.

#include "sim/world/world.h"

namespace muster::sim::fuzz {

// What of a step names things that are there.
Step applicable(const Step& step, const World& world);

}  // namespace muster::sim::fuzz
