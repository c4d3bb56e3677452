#include "cli/project.h"

#include <algorithm>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/workload.h"
#include "net/http.h"

namespace muster::cli {
namespace {

Result<double> number_flag(const Invocation& typed, const std::string& flag) {
  const std::string text = typed.value(flag);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || !(number >= 0) || number > 1e6)
    return invalid("--" + flag + " \"" + text + "\": expected a number of at least 0, such as 2 or 0.5");
  return number;
}

// {"quota", "limit", "weight"} of those flags that were given.
Result<json::Object> gpu_flags(const Invocation& typed) {
  json::Object gpu;
  if (typed.has("quota")) gpu["quota"] = TRY(number_flag(typed, "quota"));
  if (typed.has("limit")) {
    if (typed.value("limit") == "unlimited") gpu["limit"] = nullptr;
    else gpu["limit"] = TRY(number_flag(typed, "limit"));
  }
  if (typed.has("weight")) gpu["weight"] = TRY(number_flag(typed, "weight"));
  return gpu;
}

void warn(const Session& session, const json::Value& project) {
  if (const std::string warning = json::text_or(project, "/warning"); !warning.empty())
    session.screen.note("muster: warning: " + warning);
}

void show(const Session& session, const json::Value& project, const std::string& what) {
  warn(session, project);
  if (session.screen.form() == Form::Name) {
    session.screen.line(json::text_or(project, "/name"));
  } else if (session.screen.is_for_programs()) {
    session.screen.value(project);
  } else {
    session.screen.line("project " + json::text_or(project, "/name") + " " + what + ": quota " +
                        amount_text(json::find(project, "/gpu/quota")) + ", limit " +
                        amount_text(json::find(project, "/gpu/limit")) + ", weight " +
                        amount_text(json::find(project, "/gpu/weight")));
  }
}

std::string who_text(const json::Value& one) {
  return json::text_or(one, "/project") + "/" + json::text_or(one, "/workload") + " (" +
         amount_text(json::find(one, "/gpus")) + ")";
}

// What a change of quotas would lead to in the next round.
void show_plan(const Session& session, const json::Value& told) {
  if (session.screen.is_for_programs()) return session.screen.value(told);
  const auto listed = [&](const char* member) {
    std::vector<std::string> out;
    if (const json::Value* list = json::member(told, member); list != nullptr && list->is_array()) {
      for (const json::Value& one : list->get_array()) out.push_back(who_text(one));
    }
    return out;
  };
  std::vector<std::vector<Cell>> rows;
  if (const json::Value* queues = json::member(told, "queues"); queues != nullptr && queues->is_array()) {
    for (const json::Value& queue : queues->get_array()) {
      const auto of = [&](const char* at) { return amount_text(json::find(queue, at)); };
      rows.push_back({json::text_or(queue, "/name"), of("/before/fairShare"), of("/after/fairShare"),
                      of("/before/allocated"), of("/after/allocated")});
    }
  }
  if (rows.empty()) return session.screen.line("nothing would change now: no share, and nobody starts or gives way");
  session.screen.table({{"QUEUE"}, {"FAIR SHARE", true}, {"THEN", true}, {"HOLDS", true}, {"THEN", true}}, rows);
  const std::vector<std::string> starts = listed("starts"), displaced = listed("displaced"), moved = listed("moved");
  session.screen.line("would start: " + (starts.empty() ? "nobody" : join(starts, ", ")));
  session.screen.line("would give way: " + (displaced.empty() ? "nobody" : join(displaced, ", ")));
  if (!moved.empty()) session.screen.line("would start anew elsewhere: " + join(moved, ", "));
}

Result<std::string> department_id(Server& server, const std::string& name) {
  std::vector<std::string> known;
  for (const json::Value& one : TRY(server.all("/api/v1/org-unit/departments", "departments"))) {
    known.push_back(json::text_or(one, "/name"));
    if (known.back() == name) return json::text_or(one, "/id");
  }
  return not_found("no department \"" + name + "\"" + did_you_mean(name, known) + "; known are " + join(known, ", "));
}

}  // namespace

Result<json::Value> find_project(Session& session, const std::string& name) {
  Server* server = TRY(session.server());
  const json::Value body = TRY(server->get("/api/muster/v1/projects"));
  std::vector<std::string> known;
  if (const json::Value* projects = json::member(body, "projects"); projects != nullptr && projects->is_array()) {
    for (const json::Value& one : projects->get_array()) {
      known.push_back(json::text_or(one, "/name"));
      if (known.back() == name) return one;
    }
  }
  if (known.empty())
    return not_found("no project \"" + name +
                     "\", and none that you may use; an administrator can give you one: muster project set " + name +
                     " --member USER");
  std::sort(known.begin(), known.end());
  return not_found("no project \"" + name + "\"" + did_you_mean(name, known) + "; known are " + join(known, ", "));
}

Result<int> run_project_create(Session& session) {
  Server* server = TRY(session.server());
  const Invocation& typed = session.typed;
  const std::string& name = typed.names[0];
  const json::Object flags = TRY(gpu_flags(typed));
  json::Object gpu{{"deserved", flags.contains("quota") ? flags.at("quota") : json::Value(0)}};
  if (flags.contains("limit")) gpu["limit"] = flags.at("limit");
  if (flags.contains("weight")) gpu["overQuotaWeight"] = flags.at("weight");
  json::Object body{
      {"name", name},
      {"resources", json::Array{json::Object{{"nodePool", json::Object{{"name", "default"}}}, {"gpu", gpu}}}}};
  if (typed.has("department")) body["parentId"] = TRY(department_id(*server, typed.value("department")));
  const json::Value made = TRY(server->post("/api/v1/org-unit/projects", body).at("creating project \"" + name + "\""));
  json::Value project;
  if (typed.has("member")) {
    json::Array members;
    for (const std::string& member : typed.values("member")) members.emplace_back(member);
    project = TRY(
        server->patch("/api/muster/v1/projects/" + net::encode_component(name), json::Object{{"members", members}}));
  } else {
    project = TRY(find_project(session, name));
  }
  if (json::text_or(project, "/warning").empty()) warn(session, made);
  show(session, project, "created");
  return 0;
}

Result<int> run_project_set(Session& session) {
  Server* server = TRY(session.server());
  const Invocation& typed = session.typed;
  const std::string& name = typed.names[0];
  json::Object body;
  if (json::Object gpu = TRY(gpu_flags(typed)); !gpu.empty()) body["gpu"] = std::move(gpu);
  if (typed.has("member") || typed.has("remove-member")) {
    const json::Value project = TRY(find_project(session, name));
    std::vector<std::string> members;
    if (const json::Value* list = json::member(project, "members"); list != nullptr && list->is_array()) {
      for (const json::Value& member : list->get_array()) members.push_back(json::text_or(member, ""));
    }
    for (const std::string& member : typed.values("member")) {
      if (std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
    }
    for (const std::string& member : typed.values("remove-member")) {
      if (std::erase(members, member) == 0)
        return not_found("\"" + member + "\" is no member of project \"" + name + "\"" + did_you_mean(member, members));
    }
    json::Array list;
    for (const std::string& member : members) list.emplace_back(member);
    body["members"] = std::move(list);
  }
  if (body.empty())
    return invalid("muster project set: nothing to set; give --quota, --limit, --weight, --member or --remove-member");
  if (typed.has("plan")) {
    body.erase("members");
    if (body.empty()) return invalid("muster project set --plan: nothing to plan; give --quota, --limit or --weight");
    TRY(find_project(session, name));
    body["name"] = name;
    const json::Value told =
        TRY(server->post("/api/muster/v1/plan/quotas", json::Object{{"projects", json::Array{std::move(body)}}})
                .at("planning project \"" + name + "\""));
    show_plan(session, told);
    return 0;
  }
  const Result<json::Value> project = server->patch("/api/muster/v1/projects/" + net::encode_component(name), body);
  if (!project.has_value()) {
    // A wrong name deserves the right ones.
    if (project.error().kind == ErrorKind::NotFound) TRY(find_project(session, name));
    return project.error().at("setting project \"" + name + "\"");
  }
  show(session, *project, "set");
  return 0;
}

Result<int> run_project_list(Session& session) {
  Server* server = TRY(session.server());
  const json::Value body = TRY(server->get("/api/muster/v1/projects"));
  if (session.screen.form() == Form::Json || session.screen.form() == Form::Yaml) {
    session.screen.value(body);
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  const json::Value* projects = json::member(body, "projects");
  if (projects == nullptr || !projects->is_array()) return internal("the server's list of projects has no projects");
  for (const json::Value& one : projects->get_array()) {
    if (session.screen.form() == Form::Name) {
      session.screen.line(json::text_or(one, "/name"));
      continue;
    }
    std::vector<std::string> members;
    if (const json::Value* list = json::member(one, "members"); list != nullptr && list->is_array()) {
      for (const json::Value& member : list->get_array()) members.push_back(json::text_or(member, ""));
    }
    const auto gpu = [&](const char* field) { return amount_text(json::find(one, std::string("/gpu/") + field)); };
    rows.push_back({json::text_or(one, "/name"), json::text_or(one, "/department"), gpu("quota"), gpu("limit"),
                    gpu("weight"), gpu("fairShare"), gpu("allocated"), gpu("requested"), join(members, ","),
                    json::text_or(one, "/namespace"), age_text(one, "/createdAt", session.around)});
  }
  if (session.screen.form() == Form::Name) return 0;
  session.screen.table({{"PROJECT"},
                        {"DEPARTMENT"},
                        {"QUOTA", true},
                        {"LIMIT", true},
                        {"WEIGHT", true},
                        {"FAIR SHARE", true},
                        {"ALLOCATED", true},
                        {"REQUESTED", true},
                        {"MEMBERS", false, true},
                        {"NAMESPACE", false, true},
                        {"AGE", true}},
                       rows);
  return 0;
}

Result<int> run_project_delete(Session& session) {
  Server* server = TRY(session.server());
  const std::string& name = session.typed.names[0];
  const json::Value project = TRY(find_project(session, name));
  if (session.around.in_is_terminal && !session.typed.has("yes")) {
    session.around.err("Delete project " + name + " and its workloads? [y/N] ");
    const std::string answer = to_lower(session.around.ask().value_or(""));
    if (answer != "y" && answer != "yes") return 1;
  }
  TRY(server->remove("/api/v1/org-unit/projects/" + json::text_or(project, "/id")));
  if (!session.screen.is_for_programs()) session.screen.line("project " + name + " is being deleted");
  return 0;
}

}  // namespace muster::cli
