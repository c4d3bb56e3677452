#pragma once
// What each row of the table runs. Each returns the exit status, or an error whose kind decides it.

#include "cli/session.h"

namespace muster::cli {

Result<int> run_submit(Session& session);
Result<int> run_list(Session& session);
Result<int> run_describe(Session& session);
Result<int> run_logs(Session& session);
Result<int> run_why(Session& session);
Result<int> run_suspend(Session& session);
Result<int> run_resume(Session& session);
Result<int> run_delete(Session& session);
Result<int> run_wait(Session& session);
Result<int> run_project_create(Session& session);
Result<int> run_project_set(Session& session);
Result<int> run_project_list(Session& session);
Result<int> run_project_delete(Session& session);
Result<int> run_node_list(Session& session);
Result<int> run_topology_create(Session& session);
Result<int> run_topology_list(Session& session);
Result<int> run_topology_delete(Session& session);
Result<int> run_top(Session& session);
Result<int> run_doctor(Session& session);
Result<int> run_config_view(Session& session);
Result<int> run_login(Session& session);
Result<int> run_version(Session& session);

}  // namespace muster::cli
