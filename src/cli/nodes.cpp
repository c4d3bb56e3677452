// muster node list and muster top: the machines, and who holds what of them.

#include <algorithm>
#include <map>

#include "base/quantity.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/feed.h"
#include "cli/workload.h"

namespace muster::cli {
namespace {

const json::Array& list_at(const json::Value& object, std::string_view name) {
  static const json::Array none;
  const json::Value* list = json::member(object, name);
  return list != nullptr && list->is_array() ? list->get_array() : none;
}

double used_gpus(const json::Value& node) {
  std::int64_t milli = 0;
  for (const json::Value& device : list_at(node, "devices")) {
    for (const json::Value& holder : list_at(device, "holders"))
      milli += json::integer_at(holder, "/milli").value_or(0);
  }
  return static_cast<double>(milli) / 1000;
}

// "2 x A100-80G", each model once.
std::string models_text(const json::Value& node) {
  std::map<std::string, int> counts;
  for (const json::Value& device : list_at(node, "devices")) ++counts[json::text_or(device, "/model", "GPU")];
  std::string text;
  for (const auto& [model, count] : counts) text += (text.empty() ? "" : ", ") + std::to_string(count) + " x " + model;
  return text.empty() ? "-" : text;
}

std::string amount_of(const json::Value& node, const std::string& what, bool bytes) {
  const auto text = [&](const char* field) {
    const double number = json::number_at(node, "/" + what + "/" + field).value_or(0);
    return bytes ? bytes_to_words(static_cast<std::int64_t>(number)) : number_text(number);
  };
  return text("allocated") + " / " + text("capacity");
}

std::string state_of(const json::Value& node) {
  std::string state = json::bool_at(node, "/ready").value_or(false) ? "Ready" : "NotReady";
  if (json::bool_at(node, "/unschedulable").value_or(false)) state += ", closed";
  return state;
}

// A share as a bar of eight cells.
std::string bar(double share) {
  const int cells = static_cast<int>(std::clamp(share, 0.0, 1.0) * 8 + 0.5);
  std::string out;
  for (int i = 0; i < 8; ++i) out += i < cells ? "█" : "░";
  return out;
}

std::string holders_text(const json::Value& device) {
  std::string text;
  for (const json::Value& holder : list_at(device, "holders")) {
    text += (text.empty() ? "" : ", ") + json::text_or(holder, "/project") + "/" + json::text_or(holder, "/workload") +
            " " + number_text(static_cast<double>(json::integer_at(holder, "/milli").value_or(0)) / 1000);
    if (json::bool_at(holder, "/overQuota").value_or(false)) text += "+";
    if (json::bool_at(holder, "/leaving").value_or(false)) text += " (leaving)";
  }
  if (const std::string next = json::text_or(device, "/next/workload"); !next.empty())
    text += (text.empty() ? "" : ", ") + std::string("next ") + json::text_or(device, "/next/project") + "/" + next;
  return text;
}

void show_devices(const Session& session, const json::Value& nodes) {
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& node : list_at(nodes, "nodes")) {
    for (const json::Value& device : list_at(node, "devices")) {
      std::int64_t milli = 0;
      for (const json::Value& holder : list_at(device, "holders"))
        milli += json::integer_at(holder, "/milli").value_or(0);
      const double share = static_cast<double>(milli) / 1000;
      const bool healthy = json::bool_at(device, "/healthy").value_or(true);
      const std::optional<double> busy = json::number_at(device, "/utilization");
      const std::int64_t memory = json::integer_at(device, "/memoryMib").value_or(0);
      const std::optional<std::int64_t> used = json::integer_at(device, "/memoryUsedMib");
      rows.push_back(
          {json::text_or(node, "/name") + "/" + std::to_string(json::integer_at(device, "/index").value_or(0)),
           json::text_or(device, "/model", "-"),
           Cell(healthy ? bar(share) : "broken", !healthy    ? Tone::Bad
                                                 : share > 0 ? Tone::Good
                                                             : Tone::Faint),
           number_text(share), busy ? number_text(*busy) + " %" : "-",
           (used ? bytes_to_words(*used << 20) + " / " : "") + bytes_to_words(memory << 20), holders_text(device)});
    }
  }
  if (rows.empty()) {
    session.screen.line("no GPUs");
    return;
  }
  session.screen.table({{"GPU"}, {"MODEL"}, {"HELD"}, {"SHARE", true}, {"BUSY", true}, {"MEMORY", true}, {"HELD BY"}},
                       rows);
}

void show_projects(const Session& session, const json::Value& projects) {
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& one : list_at(projects, "projects")) {
    const auto gpu = [&](const char* field) { return amount_text(json::find(one, std::string("/gpu/") + field)); };
    rows.push_back({json::text_or(one, "/name"), gpu("allocated"), gpu("quota"), gpu("fairShare"), gpu("limit"),
                    gpu("requested")});
  }
  session.screen.table(
      {{"PROJECT"}, {"HOLDS", true}, {"QUOTA", true}, {"FAIR SHARE", true}, {"LIMIT", true}, {"REQUESTS", true}}, rows);
}

Result<void> show_top(Session& session, bool clear) {
  Server* server = TRY(session.server());
  const json::Value nodes = TRY(server->get("/api/muster/v1/nodes"));
  const json::Value projects = TRY(server->get("/api/muster/v1/projects"));
  if (session.screen.is_for_programs()) {
    session.screen.value(json::Object{{"nodes", json::Value(list_at(nodes, "nodes"))},
                                      {"projects", json::Value(list_at(projects, "projects"))}});
    return {};
  }
  if (clear) session.screen.clear();
  const bool simulated =
      std::any_of(list_at(nodes, "nodes").begin(), list_at(nodes, "nodes").end(),
                  [](const json::Value& node) { return json::bool_at(node, "/simulated").value_or(false); });
  if (simulated)
    session.screen.line(
        session.screen.toned("Simulated GPUs: what holds them runs, the devices do not exist.", Tone::Busy));
  show_devices(session, nodes);
  session.screen.line("");
  show_projects(session, projects);
  return {};
}

}  // namespace

Result<int> run_node_list(Session& session) {
  Server* server = TRY(session.server());
  const json::Value body = TRY(server->get("/api/muster/v1/nodes"));
  if (session.screen.form() == Form::Json || session.screen.form() == Form::Yaml) {
    session.screen.value(body);
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& node : list_at(body, "nodes")) {
    if (session.screen.form() == Form::Name) {
      session.screen.line(json::text_or(node, "/name"));
      continue;
    }
    const bool simulated = json::bool_at(node, "/simulated").value_or(false);
    const bool ready = json::bool_at(node, "/ready").value_or(false);
    rows.push_back({json::text_or(node, "/name"), Cell(state_of(node), ready ? Tone::Good : Tone::Bad),
                    json::text_or(node, "/pool", "-"),
                    number_text(used_gpus(node)) + " / " + std::to_string(list_at(node, "devices").size()),
                    models_text(node) + (simulated ? " (simulated)" : ""), amount_of(node, "cpu", false),
                    amount_of(node, "memory", true), json::text_or(node, "/runtime", "-"),
                    age_text(node, "/createdAt", session.around)});
  }
  if (session.screen.form() == Form::Name) return 0;
  session.screen.table({{"NODE"},
                        {"STATE"},
                        {"POOL"},
                        {"GPUS", true},
                        {"MODEL"},
                        {"CPU", true},
                        {"MEMORY", true},
                        {"RUNTIME", false, true},
                        {"AGE", true}},
                       rows);
  return 0;
}

Result<int> run_top(Session& session) {
  if (!session.typed.has("watch")) {
    TRY(show_top(session, false));
    return 0;
  }
  hold_interrupt();
  Server* server = TRY(session.server());
  std::unique_ptr<Feed> feed = TRY(Feed::open(*server));
  bool changed = true;
  Deadline next = Deadline::in(milliseconds(0));
  while (!session.around.interrupted()) {
    if (feed->is_connected() && next.passed() && changed) {
      TRY(show_top(session, true));
      changed = false;
      next = Deadline::in(milliseconds(500));
    }
    const std::optional<FeedEvent> event = TRY(feed->next(Deadline::in(milliseconds(200))));
    if (event) changed = true;
  }
  return 130;
}

}  // namespace muster::cli
