#include "control/org/organisation.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/names.h"

namespace muster::control {
namespace {

constexpr int colors = 12;
constexpr std::string_view default_name = "default";
constexpr std::string_view train_prefix = "train-";

std::string number_text(double number) { return json::write(json::Value(number)); }

// The n of "train-<n>" as this program writes it; nullopt for any other name.
std::optional<std::int64_t> train_number(std::string_view name) {
  if (!name.starts_with(train_prefix)) return std::nullopt;
  name.remove_prefix(train_prefix.size());
  if (name.empty() || name.size() > 9 || name.front() == '0') return std::nullopt;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return n;
}

Error taken(std::string_view what, const std::string& name) {
  Error error = conflict(std::string(what) + " \"" + name + "\" exists already; choose another name");
  error.pointer = "/name";
  return error;
}

}  // namespace

Result<void> Organisation::load(sql::Connection& db) {
  departments_.clear();
  projects_.clear();
  department_ids_.clear();
  project_ids_.clear();
  next_name_.clear();
  for (Department& one : TRY(load_departments(db))) {
    department_ids_[one.name] = one.id;
    departments_[one.id] = std::move(one);
  }
  for (Project& one : TRY(load_projects(db))) {
    project_ids_[one.name] = one.id;
    projects_[one.id] = std::move(one);
  }
  for (const sql::Row& row : TRY(db.query("SELECT project, next FROM name_counter"))) {
    next_name_[row.text(0)] = row.integer(1);
  }
  return {};
}

const Department* Organisation::department(const std::string& id_or_name) const {
  const auto by_name = department_ids_.find(id_or_name);
  const auto found = departments_.find(by_name != department_ids_.end() ? by_name->second : id_or_name);
  return found == departments_.end() ? nullptr : &found->second;
}

const Project* Organisation::project(const std::string& id_or_name) const {
  const auto by_name = project_ids_.find(id_or_name);
  const auto found = projects_.find(by_name != project_ids_.end() ? by_name->second : id_or_name);
  return found == projects_.end() ? nullptr : &found->second;
}

std::vector<const Project*> Organisation::projects_of(const std::string& department_id) const {
  std::vector<const Project*> out;
  for (const auto& [id, project] : projects_) {
    if (project.department_id == department_id) out.push_back(&project);
  }
  std::sort(out.begin(), out.end(), [](const Project* a, const Project* b) { return a->name < b->name; });
  return out;
}

const Department& Organisation::default_department() const {
  const Department* found = department(std::string(default_name));
  CHECK(found != nullptr, "the default department is made at the first start and cannot be deleted");
  return *found;
}

int Organisation::free_color() const {
  std::array<int, colors + 1> used{};
  for (const auto& [id, project] : projects_) ++used[static_cast<std::size_t>(std::clamp(project.color, 1, colors))];
  int best = 1;
  for (int slot = 2; slot <= colors; ++slot) {
    if (used[static_cast<std::size_t>(slot)] < used[static_cast<std::size_t>(best)]) best = slot;
  }
  return best;
}

Result<void> Organisation::apply(const UnitChange& change, json::Object& settings, std::vector<Quota>& quotas,
                                 double floor, std::string_view what, const std::string& name) const {
  if (change.replace_settings) settings.clear();
  for (const auto& [key, value] : change.settings) {
    if (value.is_null()) {
      settings.erase(key);
    } else {
      settings[key] = value;
    }
  }
  if (!change.resources) return {};
  quotas = TRY(read_quotas(*change.resources, quotas, change.absent, change.resources_pointer));
  const double quota = total_gpu(quotas).value_or(0);
  if (quota < floor) {
    return invalid(std::string(what) + " \"" + name + "\": a gpu quota of " + number_text(quota) + " is below the " +
                       number_text(floor) + " that its non-preemptible workloads hold; suspend some of them first",
                   change.resources_pointer);
  }
  return {};
}

Result<Department> Organisation::create_department(sql::Connection& db, Effects& effects, Time now,
                                                   const UnitChange& change) {
  TRY(check_unit_name("department", change.name, "/name"));
  if (department(change.name) != nullptr) return taken("department", change.name);
  Department made;
  made.id = new_uuid();
  made.name = change.name;
  made.created = made.updated = now;
  made.created_by = made.updated_by = change.caller;
  made.quotas.assign(1, Quota{});
  TRY(apply(change, made.settings, made.quotas, 0, "department", made.name));
  TRY(write_department(db, made));
  TRY(enqueue_desired(
      db, effects, {.kind = "Department", .ns = {}, .name = made.name, .object = desired_department(made)}, made.id));
  department_ids_[made.name] = made.id;
  departments_[made.id] = made;
  return made;
}

Result<Project> Organisation::create_project(sql::Connection& db, Effects& effects, Time now,
                                             const UnitChange& change) {
  TRY(check_unit_name("project", change.name, "/name"));
  if (project(change.name) != nullptr) return taken("project", change.name);
  const Department* parent = change.department.empty() ? &default_department() : department(change.department);
  if (parent == nullptr) {
    std::vector<std::string> known;
    for (const auto& [name, id] : department_ids_) known.push_back(name);
    return invalid("there is no department \"" + change.department + "\"" + did_you_mean(change.department, known),
                   "/parentId");
  }
  Project made;
  made.id = new_uuid();
  made.name = change.name;
  made.department_id = parent->id;
  made.ns = model::namespace_of_project(made.name);
  if (!change.ns.empty() && change.ns != made.ns) {
    return invalid(
        "namespace \"" + change.ns + "\" is not possible; on one machine a project's namespace is " + made.ns,
        "/requestedNamespace");
  }
  made.color = change.color.value_or(free_color());
  made.created = made.updated = now;
  made.created_by = made.updated_by = change.caller;
  made.quotas.assign(1, Quota{});
  if (change.members) made.members = *change.members;
  TRY(apply(change, made.settings, made.quotas, 0, "project", made.name));
  TRY(write_project(db, made));
  TRY(enqueue_desired(db, effects,
                      {.kind = "Project", .ns = {}, .name = made.name, .object = desired_project(made, parent->name)},
                      made.id));
  project_ids_[made.name] = made.id;
  projects_[made.id] = made;
  return made;
}

Result<Department> Organisation::change_department(sql::Connection& db, Effects& effects, Time now,
                                                   const std::string& id, const UnitChange& change, double floor) {
  const auto found = departments_.find(id);
  if (found == departments_.end()) return not_found("there is no department with id \"" + id + "\"");
  Department changed = found->second;
  changed.updated = now;
  changed.updated_by = change.caller;
  TRY(apply(change, changed.settings, changed.quotas, floor, "department", changed.name));
  TRY(write_department(db, changed));
  if (changed.quotas != found->second.quotas) {
    TRY(enqueue_desired(db, effects,
                        {.kind = "Department", .ns = {}, .name = changed.name, .object = desired_department(changed)},
                        changed.id));
  }
  found->second = changed;
  return changed;
}

Result<Project> Organisation::change_project(sql::Connection& db, Effects& effects, Time now, const std::string& id,
                                             const UnitChange& change, double floor) {
  const auto found = projects_.find(id);
  if (found == projects_.end()) return not_found("there is no project with id \"" + id + "\"");
  Project changed = found->second;
  changed.updated = now;
  changed.updated_by = change.caller;
  if (change.members) changed.members = *change.members;
  if (change.color) changed.color = *change.color;
  TRY(apply(change, changed.settings, changed.quotas, floor, "project", changed.name));
  TRY(write_project(db, changed));
  if (changed.quotas != found->second.quotas) {
    const Department* parent = department(changed.department_id);
    CHECK(parent != nullptr, "a department with projects cannot be deleted");
    TRY(enqueue_desired(
        db, effects,
        {.kind = "Project", .ns = {}, .name = changed.name, .object = desired_project(changed, parent->name)},
        changed.id));
  }
  found->second = changed;
  return changed;
}

Result<json::Value> Organisation::preview_project(const std::string& id, const UnitChange& change, double floor) const {
  const auto found = projects_.find(id);
  if (found == projects_.end()) return not_found("there is no project with id \"" + id + "\"");
  Project changed = found->second;
  TRY(apply(change, changed.settings, changed.quotas, floor, "project", changed.name));
  const Department* parent = department(changed.department_id);
  CHECK(parent != nullptr, "a department with projects cannot be deleted");
  return desired_project(changed, parent->name);
}

Result<void> Organisation::mark_deleting(sql::Connection& db, Time now, const std::string& project_id,
                                         const std::string& caller) {
  const auto found = projects_.find(project_id);
  if (found == projects_.end()) return not_found("there is no project with id \"" + project_id + "\"");
  Project changed = found->second;
  changed.deleting = true;
  changed.updated = now;
  changed.updated_by = caller;
  TRY(write_project(db, changed));
  found->second = std::move(changed);
  return {};
}

Result<void> Organisation::remove_project(sql::Connection& db, Effects& effects, const std::string& id) {
  const auto found = projects_.find(id);
  if (found == projects_.end()) return not_found("there is no project with id \"" + id + "\"");
  TRY(delete_project(db, id));
  TRY(enqueue_desired(db, effects, {.kind = "Project", .ns = {}, .name = found->second.name, .remove = true}, id));
  project_ids_.erase(found->second.name);
  projects_.erase(found);
  return {};
}

Result<void> Organisation::remove_department(sql::Connection& db, Effects& effects, const std::string& id) {
  const auto found = departments_.find(id);
  if (found == departments_.end()) return not_found("there is no department with id \"" + id + "\"");
  if (found->second.name == default_name) return invalid("the department default cannot be deleted");
  TRY(delete_department(db, id));
  TRY(enqueue_desired(db, effects, {.kind = "Department", .ns = {}, .name = found->second.name, .remove = true}, id));
  department_ids_.erase(found->second.name);
  departments_.erase(found);
  return {};
}

Result<std::string> Organisation::next_train_name(sql::Connection& db, const std::string& project) {
  const auto found = next_name_.find(project);
  const std::int64_t n = found == next_name_.end() ? 1 : found->second;
  const std::string name = std::string(train_prefix) + std::to_string(n);
  TRY(spend_train_name(db, project, name));
  return name;
}

Result<void> Organisation::spend_train_name(sql::Connection& db, const std::string& project, const std::string& name) {
  const std::optional<std::int64_t> n = train_number(name);
  const auto found = next_name_.find(project);
  if (!n || (found != next_name_.end() && *n < found->second)) return {};
  TRY(db.execute(
      "INSERT INTO name_counter (project, next) VALUES (?, ?) ON CONFLICT (project) DO UPDATE SET next = excluded.next",
      {project, *n + 1}));
  next_name_[project] = *n + 1;
  return {};
}

std::string Organisation::quota_warning(const std::string& project_id, double machine_gpus) const {
  const auto found = projects_.find(project_id);
  if (found == projects_.end()) return {};
  double all = 0, siblings = 0;
  for (const auto& [id, project] : projects_) {
    const double quota = total_gpu(project.quotas).value_or(0);
    all += quota;
    if (project.department_id == found->second.department_id) siblings += quota;
  }
  if (machine_gpus > 0 && all > machine_gpus) {
    return "the gpu quotas of all projects sum to " + number_text(all) + ", the machine has " +
           number_text(machine_gpus) + ": quotas are not guaranteed while all projects use theirs";
  }
  const Department* parent = department(found->second.department_id);
  const double department_quota = parent == nullptr ? 0 : total_gpu(parent->quotas).value_or(0);
  if (siblings > department_quota) {
    return "the gpu quotas of the projects of department \"" + (parent == nullptr ? "" : parent->name) + "\" sum to " +
           number_text(siblings) + ", its own quota is " + number_text(department_quota);
  }
  return {};
}

}  // namespace muster::control
