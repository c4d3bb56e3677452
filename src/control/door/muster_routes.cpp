// Our own paths below /api/muster/v1: who am I, projects with their shares, nodes, activity, events.
#include <charconv>

#include "control/door/org_json.h"
#include "control/door/routes.h"
#include "control/work/fields.h"
#include "model/names.h"

namespace muster::control {
namespace {

json::Value machine_json(const Plane& plane) {
  return json::Object{{"host", plane.options.cluster_name},
                      {"dataFolder", plane.options.folder},
                      {"version", MUSTER_VERSION},
                      {"simulated", plane.options.simulated},
                      {"startedAt", to_rfc3339(plane.started_at)}};
}

Result<net::Response> me(Plane& plane, const Caller& caller, const net::Request&) {
  Lock lock(plane.tables);
  std::vector<std::string> names;
  for (const auto& [id, project] : plane.organisation.projects()) {
    if (plane.may_see(caller, id)) names.push_back(project.name);
  }
  std::sort(names.begin(), names.end());
  json::Array projects;
  for (const std::string& name : names) projects.push_back(json::Value(name));
  return net::json_response(200, json::Object{{"name", caller.name},
                                              {"admin", caller.admin},
                                              {"mode", plane.options.root_mode ? "root" : "user"},
                                              {"via", to_text(caller.via)},
                                              {"projects", std::move(projects)},
                                              {"machine", machine_json(plane)}});
}

Result<net::Response> list_shares(Plane& plane, const Caller& caller, const net::Request&) {
  Lock lock(plane.tables);
  std::vector<const Project*> rows;
  for (const auto& [id, project] : plane.organisation.projects()) {
    if (plane.may_see(caller, id)) rows.push_back(&project);
  }
  std::sort(rows.begin(), rows.end(), [](const Project* a, const Project* b) {
    return std::tie(a->created, a->name) < std::tie(b->created, b->name);
  });
  json::Array projects;
  for (const Project* project : rows) projects.push_back(share_json(plane, *project));
  return net::json_response(200, json::Object{{"projects", std::move(projects)}});
}

// {"gpu": {"quota"?, "limit"?, "weight"?}, "members"?, "color"?} as a change of the project.
Result<UnitChange> read_patch(const Caller& caller, const json::Value& body) {
  const Fields fields(body, "");
  TRY(fields.only({"gpu", "members", "color"}));
  UnitChange change;
  change.caller = caller.name;
  change.absent = Absent::Keeps;
  if (const json::Value* gpu = fields.find("gpu")) {
    TRY(Fields(*gpu, "/gpu").only({"quota", "limit", "weight"}));
    json::Object entry;
    for (const auto& [ours, theirs] :
         {std::pair{"quota", "deserved"}, {"limit", "limit"}, {"weight", "overQuotaWeight"}}) {
      if (const json::Value* value = json::member(*gpu, ours)) entry[theirs] = *value;
    }
    change.resources = json::Array{json::Object{{"gpu", std::move(entry)}}};
  }
  if (const json::Array* members = TRY(fields.list("members"))) {
    std::vector<std::string> users;
    for (std::size_t i = 0; i < members->size(); ++i) {
      const std::string pointer = "/members/" + std::to_string(i);
      if (!(*members)[i].is_string()) return invalid("expected a user name", pointer);
      users.emplace_back((*members)[i].get_string());
      TRY(check_member(users.back(), pointer));
    }
    std::sort(users.begin(), users.end());
    users.erase(std::unique(users.begin(), users.end()), users.end());
    change.members = std::move(users);
  }
  if (const auto color = TRY(fields.integer("color", 1, 12))) change.color = static_cast<int>(*color);
  return change;
}

// Errors of the entry point at the body that the caller sent.
Error at_caller(Error error) {
  constexpr std::string_view entry = "/resources/0/gpu";
  if (!error.pointer.starts_with(entry)) return error;
  error.pointer = "/gpu" + error.pointer.substr(entry.size());
  for (const auto& [theirs, ours] :
       {std::pair{"/gpu/deserved", "/gpu/quota"}, {"/gpu/overQuotaWeight", "/gpu/weight"}}) {
    if (error.pointer == theirs) error.pointer = ours;
  }
  return error;
}

Result<net::Response> patch_share(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const UnitChange change = TRY(read_patch(caller, body));
  const std::string name = request.param("name");
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Project* project = plane.organisation.project(name);
    if (project == nullptr) return not_found("there is no project \"" + name.substr(0, 80) + "\"");
    const double floor = held_without_preemption(plane, model::queue_of_project(project->name, default_pool));
    TRY(plane.organisation.change_project(db, effects, plane.now(), project->id, change, floor));
    return audit(db, plane.now(), caller.name, "update", "project", project->name, body);
  });
  if (!done.has_value()) return at_caller(done.error());
  plane.mark_projects();
  Lock lock(plane.tables);
  const Project* project = plane.organisation.project(name);
  if (project == nullptr) return not_found("project \"" + name + "\" was deleted meanwhile");
  return net::json_response(200, share_json(plane, *project));
}

Error under(const std::string& pointer, Error error) {
  error.pointer = pointer + error.pointer;
  return error;
}

// What changes of projects would lead to: fair shares, who starts, who gives way. {"projects": [{"name", "gpu"}]}
Result<net::Response> plan_quotas(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const Fields fields(body, "");
  TRY(fields.only({"projects"}));
  const json::Array* entries = TRY(fields.list("projects"));
  if (entries == nullptr || entries->empty()) return invalid("name the projects and what would change", "/projects");
  json::Array objects;
  {
    Lock lock(plane.tables);
    for (std::size_t i = 0; i < entries->size(); ++i) {
      const std::string pointer = "/projects/" + std::to_string(i);
      TRY(Fields((*entries)[i], pointer).only({"name", "gpu"}));
      const std::string name = json::text_or((*entries)[i], "/name");
      const Project* project = plane.organisation.project(name);
      if (project == nullptr) return not_found("there is no project \"" + name.substr(0, 80) + "\"");
      json::Value part = (*entries)[i];
      part.get_object().erase("name");
      const Result<UnitChange> change = read_patch(caller, part);
      if (!change.has_value()) return under(pointer, change.error());
      const double floor = held_without_preemption(plane, model::queue_of_project(project->name, default_pool));
      Result<json::Value> preview = plane.organisation.preview_project(project->id, *change, floor);
      if (!preview.has_value()) return under(pointer, at_caller(preview.error()));
      objects.push_back(*std::move(preview));
    }
  }
  const json::Value question = json::Object{{"ask", "what-if"}, {"objects", std::move(objects)}};
  return net::json_response(200, TRY(plane.sender->ask(question, Deadline::in(seconds(10)))));
}

Result<net::Response> list_nodes(Plane& plane, const Caller&, const net::Request&) {
  Lock lock(plane.tables);
  std::string body = "{\"nodes\":[";
  for (const auto& [name, fact] : plane.view.nodes()) {
    if (body.back() != '[') body += ',';
    body += json::write(*fact);
  }
  return text_response(200, body + "]}");
}

Result<std::size_t> read_limit(const net::Request& request) {
  const std::string* text = request.query_value("limit");
  std::size_t limit = 50;
  if (text == nullptr) return limit;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc() || end != text->data() + text->size() || limit < 1 || limit > 500) {
    return invalid("limit: expected a number from 1 to 500");
  }
  return limit;
}

Result<net::Response> list_activity(Plane& plane, const Caller& caller, const net::Request& request) {
  const std::size_t limit = TRY(read_limit(request));
  Lock lock(plane.tables);
  json::Array events;
  const auto& all = plane.view.activity();
  for (auto it = all.rbegin(); it != all.rend() && events.size() < limit; ++it) {
    const Workload* one = it->workload_id.empty() ? nullptr : plane.workloads.find(it->workload_id);
    // What belongs to no workload that is known is for administrators.
    const bool seen = caller.admin || (one != nullptr && plane.may_see(caller, one->project_id));
    if (seen) events.push_back(*it->body);
  }
  return net::json_response(200, json::Object{{"events", std::move(events)}});
}

Result<net::Response> server(Plane& plane, const Caller&, const net::Request&) {
  json::Object counts;
  {
    Lock lock(plane.tables);
    std::size_t running = 0, pending = 0;
    for (const Workload* one : plane.workloads.live()) {
      running += one->phase == model::Phase::Running ? 1 : 0;
      pending += one->phase == model::Phase::Pending ? 1 : 0;
    }
    counts = {{"workloads", plane.workloads.live().size()},
              {"running", running},
              {"pending", pending},
              {"projects", plane.organisation.projects().size()},
              {"departments", plane.organisation.departments().size()},
              {"nodes", plane.view.nodes().size()}};
  }
  counts["watchers"] = plane.changes->watchers();
  counts["outbox"] = plane.sender->waiting();
  return net::json_response(200, json::Object{{"version", MUSTER_VERSION},
                                              {"startedAt", to_rfc3339(plane.started_at)},
                                              {"dataFolder", plane.options.folder},
                                              {"listen", plane.url},
                                              {"mode", plane.options.root_mode ? "root" : "user"},
                                              {"simulated", plane.options.simulated},
                                              {"counts", std::move(counts)}});
}

Result<net::Response> events(Plane& plane, const Caller& caller, const net::Request& request) {
  const std::string* last = request.header("Last-Event-ID");
  if (last == nullptr || last->empty()) last = request.query_value("lastEventId");
  std::optional<std::uint64_t> resume;
  if (last != nullptr && !last->empty()) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(last->data(), last->data() + last->size(), number);
    if (error != std::errc() || end != last->data() + last->size()) return invalid("Last-Event-ID: expected a number");
    resume = number;
  }
  const Identity identity{.name = caller.name, .uid = caller.uid};
  return plane.changes->watch(resume, [&plane, caller, identity](const std::string& project) {
    if (!plane.access->is_live(caller)) return false;
    if (project.empty() || !plane.options.root_mode) return true;
    // Rights may have changed since the stream began.
    const Caller now = plane.access->caller_of(identity, caller.via);
    Lock lock(plane.tables);
    return plane.may_see(now, project);
  });
}

}  // namespace

void add_muster_routes(Routes& routes) {
  Plane& plane = routes.plane();
  using Function = Result<net::Response> (*)(Plane&, const Caller&, const net::Request&);
  const auto on = [&plane](Function function) -> Handle {
    return [&plane, function](const Caller& caller, const net::Request& request) {
      return function(plane, caller, request);
    };
  };
  routes.add("GET", "/api/muster/v1/me", on(me));
  routes.add("GET", "/api/muster/v1/projects", on(list_shares));
  routes.add_admin("PATCH", "/api/muster/v1/projects/{name}", on(patch_share));
  routes.add_admin("POST", "/api/muster/v1/plan/quotas", on(plan_quotas));
  routes.add("GET", "/api/muster/v1/nodes", on(list_nodes));
  routes.add("GET", "/api/muster/v1/activity", on(list_activity));
  routes.add("GET", "/api/muster/v1/server", on(server));
  routes.add("GET", "/api/muster/v1/events", on(events));
}

}  // namespace muster::control
