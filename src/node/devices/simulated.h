#pragma once
// Simulated devices: what a SPEC names. They are always healthy and measure nothing: a number that nobody measured is
// not shown.

#include <memory>

#include "node/devices/device.h"
#include "node/gpu_spec.h"

namespace muster::node {

std::unique_ptr<Devices> simulate(const SimulatedNode& node);

}  // namespace muster::node
