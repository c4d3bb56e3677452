// muster suspend, resume, delete and wait; logs and why.

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/feed.h"
#include "cli/follow.h"
#include "cli/workload.h"
#include "net/http.h"

namespace muster::cli {
namespace {

// Does `act` to every named workload; the first failure decides the exit status, the others are done all the same.
Result<int> for_each_named(Session& session, const std::string& done,
                           const std::function<Result<void>(Server&, const json::Value&)>& act) {
  Server* server = TRY(session.server());
  int status = 0;
  for (const std::string& name : session.typed.names) {
    const auto one = [&]() -> Result<void> {
      const json::Value workload = TRY(find_workload(session, name));
      TRY(act(*server, workload));
      if (session.screen.form() == Form::Name) session.screen.line(json::text_or(workload, "/name"));
      else if (!session.screen.is_for_programs()) session.screen.line(json::text_or(workload, "/name") + " " + done);
      return {};
    };
    const Result<void> result = one();
    if (result.has_value()) continue;
    session.screen.note("muster: " + result.error().text);
    if (status == 0) status = exit_code(result.error().kind);
  }
  return status;
}

// The command that makes the change which a remedy names.
std::string remedy_text(const json::Value& remedy, const json::Value& workload) {
  const std::string set = json::text_or(remedy, "/set"), field = json::text_or(remedy, "/field");
  const json::Value* to = json::member(remedy, "to");
  const std::string value = to != nullptr && to->is_string() ? std::string(to->get_string()) : amount_text(to);
  const std::string name = json::text_or(workload, "/name");
  if (set == "workload") {
    if (field == "gpu") return "submit " + name + " again with --gpu " + value;
    if (field == "preemptibility") return "submit " + name + " again with --preemptibility " + value;
    return "change " + field + " of " + name + " to " + value;
  }
  if (set.starts_with("queue/") && field.starts_with("gpu.")) {
    const std::string queue = set.substr(6), what = field.substr(4);
    if (queue.starts_with("dept--"))
      return "raise the GPU " + what + " of department " + queue.substr(6) + " to " + value;
    const std::string project = queue.substr(0, queue.find("--"));
    return "muster project set " + project + " --" + what + " " + value;
  }
  return "set " + field + " of " + set + " to " + value;
}

// Numbers of a verdict in one line: "have 2, need 3".
std::string numbers_text(const json::Value& why) {
  std::string text;
  for (const char* list : {"numbers", "causes"}) {
    const json::Value* numbers = json::member(why, list);
    if (numbers == nullptr || !numbers->is_object()) continue;
    for (const auto& [name, number] : numbers->get_object()) {
      if (!number.is_number()) continue;
      text += (text.empty() ? "" : ", ") + std::string(name) + " " + number_text(number.to_number<double>());
    }
  }
  return text;
}

}  // namespace

Result<int> run_suspend(Session& session) {
  return for_each_named(session, "is being suspended", [](Server& server, const json::Value& workload) -> Result<void> {
    const std::string path = TRY(path_of_kind(workload));
    TRY(server.post(path + "/suspend"));
    return {};
  });
}

Result<int> run_resume(Session& session) {
  return for_each_named(session, "is being resumed", [](Server& server, const json::Value& workload) -> Result<void> {
    const std::string path = TRY(path_of_kind(workload));
    TRY(server.post(path + "/resume"));
    return {};
  });
}

Result<int> run_delete(Session& session) {
  if (session.around.in_is_terminal && !session.typed.has("yes")) {
    session.around.err("Delete " + join(session.typed.names, ", ") + "? [y/N] ");
    const std::string answer = to_lower(trim(session.around.ask().value_or("")));
    if (answer != "y" && answer != "yes") return 1;
  }
  return for_each_named(session, "is being deleted", [](Server& server, const json::Value& workload) -> Result<void> {
    const std::string path = TRY(path_of_kind(workload));
    TRY(server.remove(path));
    return {};
  });
}

namespace {

class Waiting {
 public:
  Waiting(Session& session, std::string wanted, Deadline deadline)
      : session_(session), wanted_(std::move(wanted)), deadline_(deadline) {}

  Result<int> run(const std::string& typed_name) {
    hold_interrupt();
    Server* server = TRY(session_.server());
    const json::Value found = TRY(find_workload(session_, typed_name));
    id_ = json::text_or(found, "/id");
    name_ = json::text_or(found, "/name");
    std::unique_ptr<Feed> feed = TRY(Feed::open(*server));
    TRY(look(*server));
    Deadline next_look = Deadline::in(seconds(5));
    while (!ended_) {
      if (session_.around.interrupted()) return 130;
      if (deadline_.passed())
        return timed_out(name_ + " is not " + wanted_ + " yet; it is " + phase_ +
                         (reason_.empty() ? "" : ": " + reason_));
      const Deadline beat = Deadline::in(milliseconds(200));
      const std::optional<FeedEvent> event =
          TRY(feed->next(Deadline{std::min(beat.monotonic_ms, deadline_.monotonic_ms)}));
      if (event && event->kind == "workload" && json::text_or(event->object, "/id") == id_) see(event->object);
      if (event && event->kind == "workload-gone" && json::text_or(event->object, "/id") == id_) gone();
      if ((event && event->kind == "gap") || (next_look.passed() && feed->is_connected())) {
        TRY(look(*server));
        next_look = Deadline::in(seconds(5));
      }
    }
    if (session_.screen.is_for_programs()) session_.screen.value(last_);
    if (reached_) {
      if (!session_.screen.is_for_programs()) session_.screen.line(name_ + " is " + wanted_);
      return 0;
    }
    session_.screen.note("muster: " + name_ + " is " + phase_ + ", it will not be " + wanted_ +
                         (reason_.empty() ? "" : " (" + reason_ + ")"));
    return 1;
  }

 private:
  Result<void> look(Server& server) {
    const Result<json::Value> workload = server.get("/api/v1/workloads/" + id_);
    if (workload.has_value()) {
      see(*workload);
    } else if (workload.error().kind == ErrorKind::NotFound) {
      gone();
    } else if (workload.error().kind != ErrorKind::Unavailable && workload.error().kind != ErrorKind::Timeout) {
      return workload.error();
    }
    return {};
  }

  void see(const json::Value& workload) {
    last_ = workload;
    phase_ = json::text_or(workload, "/phase");
    reason_ = reason_text(workload);
    if (!json::text_or(workload, "/deletedAt").empty()) return gone();
    // Who waits for Running is content when it has run already.
    reached_ = phase_ == wanted_ || (wanted_ == "Running" && phase_ == "Completed");
    ended_ = reached_ || (is_over(phase_) && wanted_ != "Deleted");
  }

  void gone() {
    phase_ = "Deleted";
    reached_ = wanted_ == "Deleted";
    ended_ = true;
  }

  Session& session_;
  const std::string wanted_;
  const Deadline deadline_;
  std::string id_, name_, phase_, reason_;
  json::Value last_;
  bool ended_ = false, reached_ = false;
};

}  // namespace

Result<int> run_wait(Session& session) {
  static const std::vector<std::string> phases = {"Creating",  "Pending",  "Initializing", "Running",
                                                  "Degraded",  "Stopping", "Stopped",      "Resuming",
                                                  "Completed", "Failed",   "Deleted"};
  const std::string typed = session.typed.value("for", "Completed");
  const auto known = std::find_if(phases.begin(), phases.end(),
                                  [&](const std::string& phase) { return to_lower(phase) == to_lower(typed); });
  if (known == phases.end())
    return invalid("--for \"" + typed + "\": expected one of " + join(phases, ", ") + did_you_mean(typed, phases));
  Deadline deadline = Deadline::never();
  if (session.typed.has("timeout"))
    deadline = Deadline::in(TRY(parse_duration(session.typed.value("timeout")).at("--timeout")));
  return Waiting(session, *known, deadline).run(session.typed.names[0]);
}

Result<int> run_logs(Session& session) {
  std::vector<std::string> query;
  if (session.typed.has("follow")) query.emplace_back("follow=true");
  if (session.typed.has("previous")) query.emplace_back("previous=true");
  if (session.typed.has("tail")) {
    const std::string lines = session.typed.value("tail");
    if (lines.empty() || lines.size() > 9 || lines.find_first_not_of("0123456789") != std::string::npos)
      return invalid("--tail \"" + lines + "\": expected a number of lines");
    query.push_back("tail=" + lines);
  }
  if (session.typed.has("pod")) query.push_back("pod=" + net::encode_component(session.typed.value("pod")));
  const json::Value workload = TRY(find_workload(session, session.typed.names[0]));
  std::string path = log_path(json::text_or(workload, "/projectName"), json::text_or(workload, "/name"));
  if (!query.empty()) path += "?" + join(query, "&");
  return stream_log(session, path);
}

Result<int> run_why(Session& session) {
  const json::Value workload = TRY(find_workload(session, session.typed.names[0]));
  Server* server = TRY(session.server());
  const json::Value why = TRY(server->get("/api/muster/v1/workloads/" + json::text_or(workload, "/id") + "/why"));
  if (session.screen.form() == Form::Name) {
    session.screen.line(json::text_or(why, "/reason"));
    return 0;
  }
  if (session.screen.is_for_programs()) {
    session.screen.value(why);
    return 0;
  }
  const std::string reason = json::text_or(why, "/reason");
  const std::string name = json::text_or(workload, "/name");
  if (reason.empty()) {
    const std::string message = json::text_or(why, "/message");
    session.screen.line(name +
                        " does not wait: " + (message.empty() ? "it is " + json::text_or(why, "/phase") : message));
    return 0;
  }
  session.screen.line(session.screen.toned(reason, Tone::Strong) + ": " + json::text_or(why, "/message"));
  session.screen.pairs({{"Queue", json::text_or(why, "/queue")},
                        {"Numbers", numbers_text(why)},
                        {"For", age_text(why, "/since", session.around)}});
  const json::Value* remedies = json::member(why, "remedy");
  if (remedies != nullptr && remedies->is_array() && !remedies->get_array().empty()) {
    session.screen.line("Any of these would start it:");
    for (const json::Value& remedy : remedies->get_array()) session.screen.line("  " + remedy_text(remedy, workload));
  }
  return 0;
}

}  // namespace muster::cli
