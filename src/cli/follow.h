#pragma once
// Following one workload to its end: phases on the error stream, what it prints on the output.

#include <string>

#include "cli/session.h"

namespace muster::cli {

// Returns the exit status: the job's own; 130 when Ctrl-C ended the following. `output_to_err`: the output is for
// programs, so what the job prints goes to the error stream as well.
Result<int> follow_workload(Session& session, const std::string& id, const std::string& project,
                            const std::string& name, bool output_to_err);

// Writes a workload's log to the output as it comes. Ends when the server has sent everything, or on Ctrl-C.
Result<int> stream_log(Session& session, const std::string& path);
// The gateway's path of a log.
std::string log_path(const std::string& project, const std::string& name);

}  // namespace muster::cli
