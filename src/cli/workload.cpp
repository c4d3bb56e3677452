#include "cli/workload.h"

#include "base/ids.h"
#include "base/text.h"
#include "base/time.h"
#include "model/phase.h"
#include "net/http.h"

namespace muster::cli {
namespace {

struct Named {
  std::string project, name;
};

Named split_name(const Session& session, const std::string& typed) {
  const std::size_t slash = typed.find('/');
  if (slash == std::string::npos) return {session.project(), typed};
  return {typed.substr(0, slash), typed.substr(slash + 1)};
}

std::string filtered(const std::vector<std::string>& filters) {
  std::string path = "/api/v1/workloads";
  if (!filters.empty()) path += "?filterBy=" + net::encode_component(join(filters, ","));
  return path;
}

}  // namespace

Result<json::Array> list_workloads(Session& session, bool all_projects) {
  Server* server = TRY(session.server());
  std::vector<std::string> filters;
  if (!all_projects) filters.push_back("projectName==" + session.project());
  return server->all(filtered(filters), "workloads");
}

Result<json::Value> find_workload(Session& session, const std::string& typed) {
  Server* server = TRY(session.server());
  if (is_uuid(typed)) return server->get("/api/v1/workloads/" + typed);
  const Named named = split_name(session, typed);
  const json::Array found =
      TRY(server->all(filtered({"projectName==" + named.project, "name==" + named.name}), "workloads"));
  const json::Value* newest = nullptr;
  for (const json::Value& one : found) {
    if (json::text_or(one, "/name") != named.name || json::text_or(one, "/projectName") != named.project) continue;
    if (newest == nullptr || json::text_or(one, "/createdAt") > json::text_or(*newest, "/createdAt")) newest = &one;
  }
  if (newest != nullptr) return *newest;
  std::vector<std::string> known;
  for (const json::Value& one : TRY(server->all(filtered({"projectName==" + named.project}), "workloads")))
    known.push_back(json::text_or(one, "/name"));
  const std::string where = named.project == "default" ? "" : " -p " + named.project;
  return not_found("no workload \"" + named.name + "\" in project \"" + named.project + "\"" +
                   did_you_mean(named.name, known) + "; muster list" + where +
                   " shows its workloads, muster list -A all");
}

Result<std::string> path_of_kind(const json::Value& workload) {
  static const std::vector<std::pair<std::string_view, std::string_view>> collections = {{"Training", "trainings"},
                                                                                         {"Workspace", "workspaces"},
                                                                                         {"Distributed", "distributed"},
                                                                                         {"Inference", "inferences"}};
  const std::string type = json::text_or(workload, "/type");
  for (const auto& [name, collection] : collections) {
    if (type == name) return "/api/v1/workloads/" + std::string(collection) + "/" + json::text_or(workload, "/id");
  }
  return invalid("workload \"" + json::text_or(workload, "/name") + "\" is a " + type +
                 ", which this command cannot change");
}

std::string number_text(double number) {
  std::string text = json::write_pretty(json::Value(number));
  if (const std::size_t point = text.find('.'); point != std::string::npos && text.size() > point + 4) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.3f", number);
    text = buffer;
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
  }
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string amount_text(const json::Value* amount) {
  if (amount == nullptr) return "-";
  if (amount->is_null()) return "unlimited";
  return amount->is_number() ? number_text(amount->to_number<double>()) : json::write(*amount);
}

std::string gpus_text(const json::Value& workload) {
  if (std::optional<std::string> text = json::text_at(workload, "/gpuRequestText")) return *text == "0" ? "-" : *text;
  const std::optional<double> gpus = json::number_at(workload, "/workloadRequestedResources/gpu/request");
  return gpus && *gpus > 0 ? number_text(*gpus) : "-";
}

std::string reason_text(const json::Value& workload) {
  const std::string phase = json::text_or(workload, "/phase");
  std::string text;
  if (const std::optional<std::string> waits = json::text_at(workload, "/waiting/message")) {
    text = *waits;
  } else {
    text = json::text_or(workload, "/phaseMessage");
  }
  const std::optional<std::int64_t> code = json::integer_at(workload, "/exitCode");
  if (code && is_over(phase)) {
    const std::string ended = "exit status " + std::to_string(*code);
    const bool is_said = text.find("exit code " + std::to_string(*code)) != std::string::npos;
    text = text.empty() ? ended : is_said ? text : ended + ": " + text;
  }
  return text;
}

std::string age_text(const json::Value& object, std::string_view pointer, const Surroundings& around) {
  const std::optional<std::string> text = json::text_at(object, pointer);
  const Result<Time> at = parse_rfc3339(text.value_or(""));
  if (!at.has_value()) return "-";
  return to_words(around.clock->now() - *at);
}

int exit_status_of(const json::Value& workload) {
  const std::string phase = json::text_or(workload, "/phase");
  const std::optional<std::int64_t> code = json::integer_at(workload, "/exitCode");
  if (phase == "Completed") return code ? static_cast<int>(*code & 255) : 0;
  // A job that failed never looks like one that did not.
  return code && (*code & 255) != 0 ? static_cast<int>(*code & 255) : 1;
}

bool is_over(std::string_view phase) {
  model::Phase read{};
  return model::parse(phase, read) && model::is_final(read);
}

}  // namespace muster::cli
