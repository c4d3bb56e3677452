#pragma once
// Workloads as the command line names and shows them.

#include <string>
#include <vector>

#include "cli/session.h"

namespace muster::cli {

// The newest workload of that name in the session's project; `name` may also be "project/name" or an id. not_found:
// with the nearest name.
Result<json::Value> find_workload(Session& session, const std::string& name);
// Every workload of the project, or of all.
Result<json::Array> list_workloads(Session& session, bool all_projects);

// The paths of its kind: "/api/v1/workloads/trainings/<id>".
Result<std::string> path_of_kind(const json::Value& workload);

// Cells that several commands show.
std::string gpus_text(const json::Value& workload);
// Why it is as it is: what it waits for, how it ended.
std::string reason_text(const json::Value& workload);
std::string age_text(const json::Value& object, std::string_view pointer, const Surroundings& around);
// "0.5", "12", "unlimited" for null.
std::string amount_text(const json::Value* amount);
std::string number_text(double number);
// The exit status of a command that ended as this workload did: the job's own, or 1 when it has none.
int exit_status_of(const json::Value& workload);
bool is_over(std::string_view phase);

}  // namespace muster::cli
