#pragma once
// Reading scenario files: strict JSON, unknown keys refused with their JSON pointer and the nearest known key, every
// default filled in, devices given to pods that hold some.

#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/scenario/scenario.h"

namespace muster::sim {

// Errors carry the JSON pointer; their text begins with it.
Result<Scenario> read_scenario(std::string_view text);
// The same from a file; errors begin with the file's path.
Result<Scenario> read_scenario_file(const std::string& path);

}  // namespace muster::sim
