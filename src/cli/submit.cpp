// muster submit: a command becomes a training, which is followed to its end.

#include "base/text.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/project.h"
#include "cli/submission.h"
#include "cli/workload.h"

namespace muster::cli {
namespace {

Result<int> show_plan(Session& session, const json::Value& body) {
  Server* server = TRY(session.server());
  const json::Value plan = TRY(server->post("/api/muster/v1/plan", body));
  if (session.screen.is_for_programs()) {
    session.screen.value(plan);
    return 0;
  }
  const bool now = json::bool_at(plan, "/startsNow").value_or(false);
  if (now) {
    std::string line = "would start now";
    if (const std::string node = json::text_or(plan, "/node"); !node.empty()) line += " on " + node;
    session.screen.line(line);
  } else {
    session.screen.line("would wait: " + json::text_or(plan, "/verdict/message", "the server does not say why"));
  }
  if (const json::Value* displaced = json::member(plan, "displaced"); displaced != nullptr && displaced->is_array()) {
    for (const json::Value& one : displaced->get_array()) {
      session.screen.line("would displace " + json::text_or(one, "/project") + "/" + json::text_or(one, "/workload") +
                          ", which holds " + number_text(json::number_at(one, "/gpus").value_or(0)) + " GPUs");
    }
  }
  return 0;
}

}  // namespace

Result<int> run_submit(Session& session) {
  json::Value body = TRY(submission_of(session.typed, session.around));
  const json::Value project = TRY(find_project(session, session.project()));
  body.get_object()["projectId"] = json::text_or(project, "/id");
  if (session.typed.has("plan")) return show_plan(session, body);
  Server* server = TRY(session.server());
  const json::Value accepted = TRY(server->post("/api/v1/workloads/trainings", body));
  const std::string name = json::text_or(accepted, "/name");
  const std::string id = json::text_or(accepted, "/workloadId", json::text_or(accepted, "/id"));
  if (session.typed.has("detach")) {
    if (session.screen.form() == Form::Name) {
      session.screen.line(name);
    } else if (session.screen.is_for_programs()) {
      const Result<json::Value> entity = server->get("/api/v1/workloads/" + id);
      session.screen.value(entity.has_value() ? *entity : accepted);
    } else {
      const std::string where = session.project() == "default" ? "" : " -p " + session.project();
      session.screen.line(name);
      session.screen.note("muster: " + name + " is submitted; follow it with \"muster logs -f" + where + " " + name +
                          "\"");
    }
    return 0;
  }
  return follow_workload(session, id, session.project(), name, session.screen.is_for_programs());
}

}  // namespace muster::cli
