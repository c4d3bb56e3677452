#pragma once
// Projects as the command line names them.

#include <string>

#include "cli/session.h"

namespace muster::cli {

// By name, as /api/muster/v1/projects shows it. not_found: names the known ones.
Result<json::Value> find_project(Session& session, const std::string& name);

}  // namespace muster::cli
