#pragma once
// Organisation: the tree of departments and projects in memory, and what changes it. The functions that take a
// connection are bodies of jobs of the record: they write the rows and the outbox first and the tables last.
// Thread contract: guarded by the lock of the tables; only jobs of the record change it.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "control/org/units.h"
#include "control/record/record.h"

namespace muster::control {

// What a request says of a department or project. Members that were absent are left alone by a change.
struct UnitChange {
  std::string name;                      // creation only
  std::string department;                // creation of a project: id or name; "" = the default department
  std::string ns;                        // creation of a project: "" = runai-<name>
  json::Object settings;                 // members to set; a null member is removed
  bool replace_settings = false;         // PUT: settings that are not given go
  std::optional<json::Value> resources;  // entries of REST
  Absent absent = Absent::Defaults;      // PATCH keeps what the entries leave out
  std::string resources_pointer = "/resources";
  std::optional<std::vector<std::string>> members;
  std::optional<int> color;
  std::string caller;
};

class Organisation {
 public:
  Result<void> load(sql::Connection& db);

  const std::map<std::string, Department>& departments() const { return departments_; }  // by id
  const std::map<std::string, Project>& projects() const { return projects_; }           // by id
  // By id or by name; nullptr when there is none.
  const Department* department(const std::string& id_or_name) const;
  const Project* project(const std::string& id_or_name) const;
  std::vector<const Project*> projects_of(const std::string& department_id) const;
  const Department& default_department() const;

  Result<Department> create_department(sql::Connection& db, Effects& effects, Time now, const UnitChange& change);
  Result<Project> create_project(sql::Connection& db, Effects& effects, Time now, const UnitChange& change);
  // `floor`: GPUs that non-preemptible workloads use now; a quota below is refused (product rule 2.6.8).
  Result<Department> change_department(sql::Connection& db, Effects& effects, Time now, const std::string& id,
                                       const UnitChange& change, double floor);
  Result<Project> change_project(sql::Connection& db, Effects& effects, Time now, const std::string& id,
                                 const UnitChange& change, double floor);
  // The object that the cluster would get; nothing changes.
  Result<json::Value> preview_project(const std::string& id, const UnitChange& change, double floor) const;
  Result<void> mark_deleting(sql::Connection& db, Time now, const std::string& project_id, const std::string& caller);
  Result<void> remove_project(sql::Connection& db, Effects& effects, const std::string& id);
  Result<void> remove_department(sql::Connection& db, Effects& effects, const std::string& id);

  // The next generated name "train-<n>" of a project, and that it is spent. Requires: called inside a job.
  Result<std::string> next_train_name(sql::Connection& db, const std::string& project);
  // A given name of that shape spends its number.
  Result<void> spend_train_name(sql::Connection& db, const std::string& project, const std::string& name);

  // One sentence when the projects' quotas sum to more than the machine or their department has; "" otherwise.
  std::string quota_warning(const std::string& project_id, double machine_gpus) const;

 private:
  int free_color() const;
  Result<void> apply(const UnitChange& change, json::Object& settings, std::vector<Quota>& quotas, double floor,
                     std::string_view what, const std::string& name) const;

  std::map<std::string, Department> departments_;
  std::map<std::string, Project> projects_;
  std::map<std::string, std::string, std::less<>> department_ids_, project_ids_;  // by name
  std::map<std::string, std::int64_t> next_name_;                                 // by project name
};

}  // namespace muster::control
