#pragma once
// Units: department and project as rows of control.db and as objects for the line.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "control/org/quota.h"
#include "sql/connection.h"

namespace muster::control {

struct Department {
  std::string id, name;
  json::Object
      settings;  // description, schedulingRules, defaultNodePools, nodeTypes: as given, absent members left out
  std::vector<Quota> quotas;
  Time created, updated;
  std::string created_by, updated_by;
};

struct Project {
  std::string id, name, department_id, ns;
  int color = 1;          // slot 1..12
  json::Object settings;  // as of a department, and enforceRunaiScheduler
  std::vector<Quota> quotas;
  std::vector<std::string> members;  // user names, sorted
  bool deleting = false;             // its last workloads are going away
  Time created, updated;
  std::string created_by, updated_by;
};

// Insert or replace everything but the id.
Result<void> write_department(sql::Connection& db, const Department& department);
Result<void> write_project(sql::Connection& db, const Project& project);
Result<void> delete_department(sql::Connection& db, const std::string& id);
Result<void> delete_project(sql::Connection& db, const std::string& id);
Result<std::vector<Department>> load_departments(sql::Connection& db);
Result<std::vector<Project>> load_projects(sql::Connection& db);

// Whole objects of muster.dev/v1alpha1.
json::Value desired_department(const Department& department);
json::Value desired_project(const Project& project, const std::string& department);
json::Value desired_default_pool();

// A name that may become a queue and a namespace: a DNS label of at most 57 letters without "--".
Result<void> check_unit_name(std::string_view what, const std::string& name, const std::string& pointer);
// A login name of the machine.
Result<void> check_member(const std::string& user, const std::string& pointer);

}  // namespace muster::control
