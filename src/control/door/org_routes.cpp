// Departments and projects on Run:ai's paths (product rules 2.1, 2.3, 2.6, 2.10).
#include "control/door/listing.h"
#include "control/door/org_json.h"
#include "control/door/routes.h"
#include "control/work/fields.h"
#include "model/names.h"

namespace muster::control {
namespace {

const std::vector<std::string> setting_names = {"description", "schedulingRules", "defaultNodePools", "nodeTypes",
                                                "enforceRunaiScheduler"};

Result<void> check_cluster(const Plane& plane, const Fields& fields) {
  const std::optional<std::string> id = TRY(fields.text("clusterId"));
  if (id && *id != plane.cluster_id) {
    return invalid("there is no cluster \"" + id->substr(0, 80) + "\"; this one is " + plane.cluster_id, "/clusterId");
  }
  return {};
}

Result<void> check_rules(const json::Value& rules) {
  const Fields fields(rules, "/schedulingRules");
  const std::vector<std::string> names = {"interactiveJobTimeLimitSeconds", "interactiveJobMaxIdleDurationSeconds",
                                          "interactiveJobPreemptIdleDurationSeconds",
                                          "trainingJobMaxIdleDurationSeconds", "trainingJobTimeLimitSeconds"};
  TRY(fields.only(names));
  for (const std::string& name : names) TRY(fields.integer(name, 1, 10'000'000'000));
  return {};
}

// The settings that a body gives; `fields.only` has refused what is unknown.
Result<json::Object> read_settings(const json::Value& body) {
  const Fields fields(body, "");
  json::Object out;
  for (const std::string& name : setting_names) {
    if (const json::Value* value = json::member(body, name)) out[name] = *value;
  }
  TRY(fields.text("description"));
  TRY(fields.boolean("enforceRunaiScheduler"));
  if (const json::Value* rules = fields.find("schedulingRules")) TRY(check_rules(*rules));
  if (const json::Array* pools = TRY(fields.list("defaultNodePools"))) {
    for (std::size_t i = 0; i < pools->size(); ++i) {
      if (json::text_or((*pools)[i], "") != default_pool) {
        return invalid("there is no such node pool; this version has the pool default alone",
                       "/defaultNodePools/" + std::to_string(i));
      }
    }
  }
  if (const json::Value* types = fields.find("nodeTypes")) {
    TRY(Fields(*types, "/nodeTypes").only({"training", "workspace", "names"}));
  }
  return out;
}

Result<UnitChange> read_unit(const Plane& plane, const Caller& caller, const json::Value& body,
                             std::vector<std::string> known, bool create) {
  known.insert(known.end(), setting_names.begin(), setting_names.end());
  const Fields fields(body, "");
  TRY(fields.only(known));
  UnitChange change;
  change.caller = caller.name;
  change.settings = TRY(read_settings(body));
  change.replace_settings = !create;
  if (const json::Value* resources = fields.find("resources")) change.resources = *resources;
  if (create) {
    TRY(check_cluster(plane, fields));
    change.name = TRY(fields.text("name")).value_or("");
    change.department = TRY(fields.text("parentId")).value_or("");
    change.ns = TRY(fields.text("requestedNamespace")).value_or("");
  }
  return change;
}

// ---- projects

std::vector<Field<Project>> project_fields(const Plane& plane) {
  const auto parent = [&plane](const Project& one) -> FieldValue {
    const Department* found = plane.organisation.department(one.department_id);
    return found == nullptr ? FieldValue() : FieldValue(found->name);
  };
  const auto nothing = [](const Project&) -> FieldValue { return {}; };
  std::vector<Field<Project>> out = {
      {"name", FieldKind::Text, [](const Project& one) -> FieldValue { return one.name; }},
      {"clusterId", FieldKind::Text, [&plane](const Project&) -> FieldValue { return plane.cluster_id; }},
      {"departmentId", FieldKind::Text, [](const Project& one) -> FieldValue { return one.department_id; }},
      {"parentId", FieldKind::Text, [](const Project& one) -> FieldValue { return one.department_id; }},
      {"parentName", FieldKind::Text, parent},
      {"phase", FieldKind::Text,
       [&plane](const Project& one) -> FieldValue { return json::text_or(project_json(plane, one), "/status/phase"); }},
      {"totalGpuQuota", FieldKind::Number,
       [](const Project& one) -> FieldValue { return total_gpu(one.quotas).value_or(0); }},
      {"gpuAllocated", FieldKind::Number,
       [&plane](const Project& one) -> FieldValue {
         return allocated_gpus(plane, model::queue_of_project(one.name, default_pool));
       }},
      {"createdAt", FieldKind::Moment,
       [](const Project& one) -> FieldValue { return static_cast<double>(one.created.ms); }}};
  // Averages over time come with the history of use, which this version does not keep.
  for (const char* range : {"24h", "7d", "30d"}) {
    for (const char* what : {"avgGpuAllocation", "avgGpuUtilization", "avgGpuMemoryUtilization"}) {
      out.push_back({std::string(what) + range, FieldKind::Number, nothing});
    }
  }
  return out;
}

Result<std::vector<const Project*>> select_projects(const Plane& plane, const Caller& caller,
                                                    const net::Request& request, Query& query) {
  const std::vector<Field<Project>> fields = project_fields(plane);
  query = TRY(read_query(request, names_of(fields)));
  std::vector<const Project*> rows;
  for (const auto& [id, project] : plane.organisation.projects()) {
    if (!plane.may_see(caller, id) || !matches(query, fields, project)) continue;
    if (!query.search.empty() && !contains_text(project.name, query.search) &&
        !contains_text(json::text_or(json::Value(project.settings), "/description"), query.search)) {
      continue;
    }
    rows.push_back(&project);
  }
  std::sort(rows.begin(), rows.end(), [](const Project* a, const Project* b) {
    return std::tie(a->created, a->name) < std::tie(b->created, b->name);
  });
  sort_rows(query, fields, rows);
  return rows;
}

Result<net::Response> list_projects(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  Query query;
  const std::vector<const Project*> rows = TRY(select_projects(plane, caller, request, query));
  const Page page = page_of(query, rows.size());
  json::Array list;
  for (std::size_t i = page.begin; i < page.end; ++i) list.push_back(project_json(plane, *rows[i]));
  json::Object body{{"projects", std::move(list)}};
  if (page.next) body["next"] = *page.next;
  return net::json_response(200, body);
}

Result<net::Response> count_projects(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  Query query;
  const std::vector<const Project*> rows = TRY(select_projects(plane, caller, request, query));
  return net::json_response(200, json::Object{{"count", rows.size()}});
}

Result<const Project*> find_project(const Plane& plane, const Caller& caller, const std::string& id) {
  const Project* project = plane.organisation.project(id);
  if (project == nullptr) return not_found("there is no project with id \"" + id.substr(0, 80) + "\"");
  if (!plane.may_see(caller, id)) return denied(caller.name + " is no member of project \"" + project->name + "\"");
  return project;
}

Result<net::Response> read_project(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Project* project = TRY(find_project(plane, caller, request.param("id")));
  return net::json_response(200, project_json(plane, *project));
}

Result<net::Response> create_project(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const UnitChange change =
      TRY(read_unit(plane, caller, body, {"name", "clusterId", "parentId", "requestedNamespace", "resources"}, true));
  std::string id;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Project made = TRY(plane.organisation.create_project(db, effects, plane.now(), change));
    TRY(audit(db, plane.now(), caller.name, "create", "project", made.name, body));
    id = made.id;
    return {};
  });
  TRY(done);
  plane.mark_projects();
  Lock lock(plane.tables);
  const Project* made = plane.organisation.project(id);
  if (made == nullptr) return not_found("the project was deleted right after it was made");
  return net::json_response(201, project_json(plane, *made));
}

Result<std::string> change_project(Plane& plane, const Caller& caller, const std::string& id_or_name,
                                   const UnitChange& change, const json::Value& said) {
  std::string id;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Project* project = TRY(find_project(plane, caller, id_or_name));
    id = project->id;
    const double floor = held_without_preemption(plane, model::queue_of_project(project->name, default_pool));
    TRY(plane.organisation.change_project(db, effects, plane.now(), id, change, floor));
    return audit(db, plane.now(), caller.name, "update", "project", project->name, said);
  });
  TRY(done);
  plane.mark_projects();
  return id;
}

// A project takes its workloads with it; it is gone when the last of them is.
Result<net::Response> delete_project(Plane& plane, const Caller& caller, const net::Request& request) {
  bool now_gone = false;
  std::string name;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Project* project = TRY(find_project(plane, caller, request.param("id")));
    const std::string id = project->id;
    name = project->name;
    TRY(audit(db, plane.now(), caller.name, "delete", "project", name, json::Object{}));
    if (plane.workloads.count_of_project(id) == 0) {
      now_gone = true;
      return plane.organisation.remove_project(db, effects, id);
    }
    TRY(plane.organisation.mark_deleting(db, plane.now(), id, caller.name));
    const std::vector<Workload*> all = plane.workloads.live();
    for (const Workload* one : all) {
      if (one->project_id != id) continue;
      TRY(plane.workloads.want(db, effects, plane.now(), one->id, Wanted::Deleted, caller.name));
      plane.mark_workload(*one);
    }
    return {};
  });
  TRY(done);
  plane.mark_project(name);
  plane.mark_projects();
  if (!now_gone) return accepted("project \"" + name + "\" goes when its workloads have ended");
  return text_response(204, "");
}

// ---- departments

std::vector<Field<Department>> department_fields(const Plane& plane) {
  const auto nothing = [](const Department&) -> FieldValue { return {}; };
  std::vector<Field<Department>> out = {
      {"name", FieldKind::Text, [](const Department& one) -> FieldValue { return one.name; }},
      {"clusterId", FieldKind::Text, [&plane](const Department&) -> FieldValue { return plane.cluster_id; }},
      {"totalGpuQuota", FieldKind::Number,
       [](const Department& one) -> FieldValue { return total_gpu(one.quotas).value_or(0); }},
      {"gpuAllocated", FieldKind::Number,
       [&plane](const Department& one) -> FieldValue {
         return allocated_gpus(plane, model::queue_of_department(one.name, default_pool));
       }},
      {"createdAt", FieldKind::Moment,
       [](const Department& one) -> FieldValue { return static_cast<double>(one.created.ms); }}};
  for (const char* range : {"24h", "7d", "30d"}) {
    for (const char* what : {"avgGpuAllocation", "avgGpuUtilization", "avgGpuMemoryUtilization"}) {
      out.push_back({std::string(what) + range, FieldKind::Number, nothing});
    }
  }
  return out;
}

bool may_see_department(const Plane& plane, const Caller& caller, const Department& department) {
  if (caller.admin) return true;
  const auto projects = plane.organisation.projects_of(department.id);
  return std::any_of(projects.begin(), projects.end(),
                     [&](const Project* project) { return plane.may_see(caller, project->id); });
}

Result<std::vector<const Department*>> select_departments(const Plane& plane, const Caller& caller,
                                                          const net::Request& request, Query& query) {
  const std::vector<Field<Department>> fields = department_fields(plane);
  query = TRY(read_query(request, names_of(fields)));
  std::vector<const Department*> rows;
  for (const auto& [id, one] : plane.organisation.departments()) {
    if (!may_see_department(plane, caller, one) || !matches(query, fields, one)) continue;
    if (!query.search.empty() && !contains_text(one.name, query.search)) continue;
    rows.push_back(&one);
  }
  std::sort(rows.begin(), rows.end(), [](const Department* a, const Department* b) {
    return std::tie(a->created, a->name) < std::tie(b->created, b->name);
  });
  sort_rows(query, fields, rows);
  return rows;
}

Result<net::Response> list_departments(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  Query query;
  const std::vector<const Department*> rows = TRY(select_departments(plane, caller, request, query));
  const Page page = page_of(query, rows.size());
  json::Array list;
  for (std::size_t i = page.begin; i < page.end; ++i) list.push_back(department_json(plane, *rows[i]));
  json::Object body{{"departments", std::move(list)}};
  if (page.next) body["next"] = *page.next;
  return net::json_response(200, body);
}

Result<net::Response> count_departments(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  Query query;
  const std::vector<const Department*> rows = TRY(select_departments(plane, caller, request, query));
  return net::json_response(200, json::Object{{"count", rows.size()}});
}

Result<const Department*> find_department(const Plane& plane, const Caller& caller, const std::string& id) {
  const Department* department = plane.organisation.department(id);
  if (department == nullptr) return not_found("there is no department with id \"" + id.substr(0, 80) + "\"");
  if (!may_see_department(plane, caller, *department)) {
    return denied(caller.name + " has no project in department \"" + department->name + "\"");
  }
  return department;
}

Result<net::Response> read_department(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Department* department = TRY(find_department(plane, caller, request.param("id")));
  return net::json_response(200, department_json(plane, *department));
}

Result<net::Response> create_department(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const UnitChange change = TRY(read_unit(plane, caller, body, {"name", "clusterId", "resources"}, true));
  std::string id;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    id = TRY(plane.organisation.create_department(db, effects, plane.now(), change)).id;
    return audit(db, plane.now(), caller.name, "create", "department", change.name, body);
  });
  TRY(done);
  Lock lock(plane.tables);
  const Department* made = TRY(find_department(plane, caller, id));
  return net::json_response(201, department_json(plane, *made));
}

Result<std::string> change_department(Plane& plane, const Caller& caller, const std::string& id_or_name,
                                      const UnitChange& change, const json::Value& said) {
  std::string id;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Department* department = TRY(find_department(plane, caller, id_or_name));
    id = department->id;
    const double floor = held_without_preemption(plane, model::queue_of_department(department->name, default_pool));
    TRY(plane.organisation.change_department(db, effects, plane.now(), id, change, floor));
    return audit(db, plane.now(), caller.name, "update", "department", department->name, said);
  });
  TRY(done);
  plane.mark_projects();
  return id;
}

// Its projects go with it when nothing of theirs is left; otherwise somebody must end that first.
Result<net::Response> delete_department(Plane& plane, const Caller& caller, const net::Request& request) {
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Department* department = TRY(find_department(plane, caller, request.param("id")));
    const std::string id = department->id, name = department->name;
    for (const Project* project : plane.organisation.projects_of(id)) {
      const std::size_t count = plane.workloads.count_of_project(project->id);
      if (count > 0) {
        return conflict("department \"" + name + "\": project \"" + project->name + "\" has " +
                        count_of(static_cast<std::int64_t>(count), "workload") + "; delete the project first");
      }
    }
    if (name != default_pool) {
      for (const Project* project : plane.organisation.projects_of(id)) {
        const std::string project_name = project->name;
        TRY(plane.organisation.remove_project(db, effects, project->id));
        effects.announce.push_back([&plane, project_name] { plane.mark_project(project_name); });
      }
    }
    TRY(plane.organisation.remove_department(db, effects, id));
    return audit(db, plane.now(), caller.name, "delete", "department", name, json::Object{});
  });
  TRY(done);
  return text_response(204, "");
}

UnitChange resources_change(const Caller& caller, const json::Value& body, Absent absent) {
  UnitChange change;
  change.caller = caller.name;
  change.resources = body;
  change.absent = absent;
  change.resources_pointer = "";
  return change;
}

}  // namespace

void add_org_routes(Routes& routes) {
  Plane& plane = routes.plane();
  using Function = Result<net::Response> (*)(Plane&, const Caller&, const net::Request&);
  const auto on = [&plane](Function function) -> Handle {
    return [&plane, function](const Caller& caller, const net::Request& request) {
      return function(plane, caller, request);
    };
  };
  const std::string projects = "/api/v1/org-unit/projects", departments = "/api/v1/org-unit/departments";
  routes.add("GET", projects, on(list_projects));
  routes.add("GET", projects + "/count", on(count_projects));
  routes.add("GET", projects + "/{id}", on(read_project));
  routes.add_admin("POST", projects, on(create_project));
  routes.add_admin("DELETE", projects + "/{id}", on(delete_project));
  routes.add_admin("PUT", projects + "/{id}",
                   [&plane](const Caller& caller, const net::Request& request) -> Result<net::Response> {
                     const json::Value body = TRY(read_body(request));
                     const UnitChange change = TRY(read_unit(plane, caller, body, {"resources"}, false));
                     const std::string id = TRY(change_project(plane, caller, request.param("id"), change, body));
                     Lock lock(plane.tables);
                     const Project* changed = TRY(find_project(plane, caller, id));
                     return net::json_response(200, project_json(plane, *changed));
                   });
  routes.add("GET", departments, on(list_departments));
  routes.add("GET", departments + "/count", on(count_departments));
  routes.add("GET", departments + "/{id}", on(read_department));
  routes.add_admin("POST", departments, on(create_department));
  routes.add_admin("DELETE", departments + "/{id}", on(delete_department));
  routes.add_admin("PUT", departments + "/{id}",
                   [&plane](const Caller& caller, const net::Request& request) -> Result<net::Response> {
                     const json::Value body = TRY(read_body(request));
                     const UnitChange change = TRY(read_unit(plane, caller, body, {"resources"}, false));
                     const std::string id = TRY(change_department(plane, caller, request.param("id"), change, body));
                     Lock lock(plane.tables);
                     const Department* changed = TRY(find_department(plane, caller, id));
                     return net::json_response(200, department_json(plane, *changed));
                   });
  for (const auto& [method, absent] : {std::pair{"PUT", Absent::Defaults}, std::pair{"PATCH", Absent::Keeps}}) {
    routes.add_admin(
        method, projects + "/{id}/resources",
        [&plane, how = absent](const Caller& caller, const net::Request& request) -> Result<net::Response> {
          const json::Value body = TRY(read_body(request));
          const UnitChange change = resources_change(caller, body, how);
          const std::string id = TRY(change_project(plane, caller, request.param("id"), change, body));
          Lock lock(plane.tables);
          const Project* changed = TRY(find_project(plane, caller, id));
          return net::json_response(200, quotas_json(changed->quotas));
        });
    routes.add_admin(
        method, departments + "/{id}/resources",
        [&plane, how = absent](const Caller& caller, const net::Request& request) -> Result<net::Response> {
          const json::Value body = TRY(read_body(request));
          const UnitChange change = resources_change(caller, body, how);
          const std::string id = TRY(change_department(plane, caller, request.param("id"), change, body));
          Lock lock(plane.tables);
          const Department* changed = TRY(find_department(plane, caller, id));
          return net::json_response(200, quotas_json(changed->quotas));
        });
  }
}

}  // namespace muster::control
