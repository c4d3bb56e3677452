#pragma once
// Reading what was typed by a row of the table. Owns CLI11.

#include <string>
#include <vector>

#include "cli/table.h"

namespace muster::cli {

// invalid: an unknown flag (with the nearest known one), a missing or wrong value, too few or too many arguments.
Result<Invocation> parse(const Row& row, const std::vector<std::string>& arguments);

}  // namespace muster::cli
