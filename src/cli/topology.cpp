// Topologies: which node labels make up racks, zones and the like.
#include <algorithm>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/server.h"
#include "cli/workload.h"

namespace muster::cli {
namespace {

const std::string path = "/api/v1/network-topologies";

std::string levels_text(const json::Value& topology) {
  std::vector<std::string> levels;
  if (const json::Value* list = json::member(topology, "levels"); list != nullptr && list->is_array()) {
    for (const json::Value& level : list->get_array()) levels.push_back(json::text_or(level, ""));
  }
  return join(levels, " > ");
}

Result<json::Array> topologies(Session& session) {
  Server* server = TRY(session.server());
  const json::Value body = TRY(server->get(path));
  const json::Value* list = json::member(body, "networkTopologies");
  if (list == nullptr || !list->is_array()) return internal("the server's list of topologies has no networkTopologies");
  return list->get_array();
}

}  // namespace

Result<int> run_topology_create(Session& session) {
  Server* server = TRY(session.server());
  const std::vector<std::string>& names = session.typed.names;
  json::Array levels;
  for (std::size_t i = 1; i < names.size(); ++i) levels.emplace_back(names[i]);
  const json::Value made = TRY(server->post(path, json::Object{{"name", names[0]}, {"levels", std::move(levels)}})
                                   .at("creating topology \"" + names[0] + "\""));
  if (session.screen.form() == Form::Name) {
    session.screen.line(json::text_or(made, "/name"));
  } else if (session.screen.is_for_programs()) {
    session.screen.value(made);
  } else {
    session.screen.line("topology " + names[0] + " created: " + levels_text(made));
  }
  return 0;
}

Result<int> run_topology_list(Session& session) {
  const json::Array all = TRY(topologies(session));
  if (session.screen.form() == Form::Json || session.screen.form() == Form::Yaml) {
    session.screen.value(json::Object{{"networkTopologies", all}});
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& one : all) {
    if (session.screen.form() == Form::Name) session.screen.line(json::text_or(one, "/name"));
    rows.push_back({json::text_or(one, "/name"), levels_text(one), json::text_or(one, "/phase"),
                    age_text(one, "/createdAt", session.around)});
  }
  if (session.screen.form() == Form::Name) return 0;
  session.screen.table({{"TOPOLOGY"}, {"LEVELS"}, {"PHASE"}, {"AGE", true}}, rows);
  return 0;
}

Result<int> run_topology_delete(Session& session) {
  const std::string& name = session.typed.names[0];
  std::vector<std::string> known;
  for (const json::Value& one : TRY(topologies(session))) {
    known.push_back(json::text_or(one, "/name"));
    if (known.back() != name) continue;
    Server* server = TRY(session.server());
    TRY(server->remove(path + "/" + json::text_or(one, "/id")));
    if (!session.screen.is_for_programs()) session.screen.line("topology " + name + " is deleted");
    return 0;
  }
  return not_found("no topology \"" + name + "\"" + did_you_mean(name, known) +
                   (known.empty() ? "; there is none" : "; known are " + join(known, ", ")));
}

}  // namespace muster::cli
