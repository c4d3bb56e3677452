#pragma once
// The command line with surroundings of the caller's choice, as tests run it.

#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/surroundings.h"

namespace muster::cli {

// `words` are the arguments without the program's name.
int run_with(const Surroundings& around, const std::vector<std::string>& words, const std::vector<Command>& extra);

}  // namespace muster::cli
