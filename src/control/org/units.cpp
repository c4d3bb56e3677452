#include "control/org/units.h"

#include "base/ids.h"
#include "base/text.h"
#include "model/names.h"

namespace muster::control {
namespace {

constexpr std::string_view api_version = "muster.dev/v1alpha1";

Result<json::Object> read_settings(const std::string& text) {
  json::Value value = TRY(json::parse(text));
  if (!value.is_object()) return internal("settings of an organisation unit are no object");
  return value.get_object();
}

json::Object object_of(std::string_view kind, const std::string& name, json::Object spec) {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata", json::Object{{"name", name}}},
          {"spec", std::move(spec)}};
}

}  // namespace

Result<void> write_department(sql::Connection& db, const Department& department) {
  TRY(db.execute(
      "INSERT INTO department (id, name, settings, created_at, created_by, updated_at, updated_by) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings, "
      "updated_at = excluded.updated_at, updated_by = excluded.updated_by",
      {department.id, department.name, json::write(department.settings), department.created.ms, department.created_by,
       department.updated.ms, department.updated_by}));
  return write_quotas(db, department.id, department.quotas);
}

Result<void> write_project(sql::Connection& db, const Project& project) {
  TRY(db.execute(
      "INSERT INTO project (id, name, department_id, namespace, color, settings, deleting, created_at, created_by, "
      "updated_at, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
      "color = excluded.color, settings = excluded.settings, deleting = excluded.deleting, "
      "updated_at = excluded.updated_at, updated_by = excluded.updated_by",
      {project.id, project.name, project.department_id, project.ns, std::int64_t{project.color},
       json::write(project.settings), std::int64_t{project.deleting}, project.created.ms, project.created_by,
       project.updated.ms, project.updated_by}));
  TRY(db.execute("DELETE FROM member WHERE project_id = ?", {project.id}));
  for (const std::string& user : project.members) {
    TRY(db.execute("INSERT INTO member (project_id, user) VALUES (?, ?)", {project.id, user}));
  }
  return write_quotas(db, project.id, project.quotas);
}

Result<void> delete_department(sql::Connection& db, const std::string& id) {
  TRY(db.execute("DELETE FROM department WHERE id = ?", {id}));
  TRY(db.execute("DELETE FROM quota WHERE unit_id = ?", {id}));
  return {};
}

Result<void> delete_project(sql::Connection& db, const std::string& id) {
  TRY(db.execute("DELETE FROM project WHERE id = ?", {id}));
  TRY(db.execute("DELETE FROM quota WHERE unit_id = ?", {id}));
  return {};
}

Result<std::vector<Department>> load_departments(sql::Connection& db) {
  std::vector<Department> out;
  for (const sql::Row& row :
       TRY(db.query("SELECT id, name, settings, created_at, created_by, updated_at, updated_by FROM department "
                    "ORDER BY created_at, name"))) {
    Department department;
    department.id = row.text(0);
    department.name = row.text(1);
    department.settings = TRY(read_settings(row.text(2)));
    department.created = {row.integer(3)};
    department.created_by = row.text(4);
    department.updated = {row.integer(5)};
    department.updated_by = row.text(6);
    department.quotas = TRY(load_quotas(db, department.id));
    out.push_back(std::move(department));
  }
  return out;
}

Result<std::vector<Project>> load_projects(sql::Connection& db) {
  std::vector<Project> out;
  for (const sql::Row& row :
       TRY(db.query("SELECT id, name, department_id, namespace, color, settings, deleting, created_at, created_by, "
                    "updated_at, updated_by FROM project ORDER BY created_at, name"))) {
    Project project;
    project.id = row.text(0);
    project.name = row.text(1);
    project.department_id = row.text(2);
    project.ns = row.text(3);
    project.color = static_cast<int>(row.integer(4));
    project.settings = TRY(read_settings(row.text(5)));
    project.deleting = row.integer(6) != 0;
    project.created = {row.integer(7)};
    project.created_by = row.text(8);
    project.updated = {row.integer(9)};
    project.updated_by = row.text(10);
    project.quotas = TRY(load_quotas(db, project.id));
    for (const sql::Row& member :
         TRY(db.query("SELECT user FROM member WHERE project_id = ? ORDER BY user", {project.id}))) {
      project.members.push_back(member.text(0));
    }
    out.push_back(std::move(project));
  }
  return out;
}

json::Value desired_department(const Department& department) {
  return object_of("Department", department.name, {{"resources", quotas_desired(department.quotas)}});
}

json::Value desired_project(const Project& project, const std::string& department) {
  return object_of(
      "Project", project.name,
      {{"department", department}, {"namespace", project.ns}, {"resources", quotas_desired(project.quotas)}});
}

json::Value desired_default_pool() {
  return object_of("NodePool", std::string(default_pool),
                   {{"placementStrategy", json::Object{{"gpu", "binpack"}, {"cpu", "binpack"}}}});
}

Result<void> check_unit_name(std::string_view what, const std::string& name, const std::string& pointer) {
  const std::string begin = std::string(what) + " name \"" + name.substr(0, 80) + "\"";
  if (name.empty()) return invalid("a " + std::string(what) + " needs a name", pointer);
  if (name.find("--") != std::string::npos) {
    return invalid(begin + " holds \"--\", which separates project and node pool in queue names; use one hyphen",
                   pointer);
  }
  if (name.size() > 57) return invalid(begin + " is longer than 57 letters", pointer);
  if (!is_dns_label(name)) {
    return invalid(begin +
                       " is not possible: lower-case letters, digits and hyphens, beginning with a letter and "
                       "ending with a letter or digit",
                   pointer);
  }
  if (is_uuid(name)) return invalid(begin + " looks like an id", pointer);
  return {};
}

Result<void> check_member(const std::string& user, const std::string& pointer) {
  const bool plain = !user.empty() && user.size() <= 64 && user.front() != '-' &&
                     user.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@$+") ==
                         std::string::npos;
  if (!plain) return invalid("member \"" + user.substr(0, 80) + "\" is no user name", pointer);
  return {};
}

}  // namespace muster::control
