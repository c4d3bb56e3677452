#pragma once
// Submission: the flags of `muster submit` as the body of a training (interface 3, 6).

#include <string>

#include "base/json.h"
#include "cli/surroundings.h"
#include "cli/table.h"

namespace muster::cli {

// Without the project, which is named by id. invalid: names the flag.
Result<json::Value> submission_of(const Invocation& typed, const Surroundings& around);

}  // namespace muster::cli
