#pragma once
// Picture: a cluster in a few lines of text: a line per node with what each device holds, and what waits and why.

#include <string>

#include "sim/world/world.h"

namespace muster::sim {

std::string picture_of(const World& world);

}  // namespace muster::sim
