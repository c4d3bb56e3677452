// muster list and muster describe: workloads as tables and pages.

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/feed.h"
#include "cli/workload.h"

namespace muster::cli {
namespace {

const std::vector<Column> all_columns = {{"PROJECT"},
                                         {"NAME"},
                                         {"PHASE"},
                                         {"GPUS", true},
                                         {"PODS", true},
                                         {"RESTARTS", true, true},
                                         {"PRIORITY", false, true},
                                         {"SUBMITTED BY", false, true},
                                         {"ID", false, true},
                                         {"AGE", true},
                                         {"REASON"}};

std::string pods_text(const json::Value& workload) {
  const std::optional<std::int64_t> wanted = json::integer_at(workload, "/requestedPods/number");
  return std::to_string(json::integer_at(workload, "/runningPods").value_or(0)) +
         (wanted ? "/" + std::to_string(*wanted) : "");
}

std::vector<Cell> row_of(const json::Value& one, bool with_project, const Surroundings& around) {
  const std::string phase = json::text_or(one, "/phase");
  const bool borrows = json::bool_at(one, "/overQuota").value_or(false);
  std::vector<Cell> row = {json::text_or(one, "/name"),
                           Cell(phase, tone_of_phase(phase)),
                           gpus_text(one) + (borrows ? "+" : ""),
                           pods_text(one),
                           std::to_string(json::integer_at(one, "/restarts").value_or(0)),
                           json::text_or(one, "/priorityClassName"),
                           json::text_or(one, "/submittedBy"),
                           json::text_or(one, "/id"),
                           age_text(one, "/createdAt", around),
                           reason_text(one)};
  if (with_project) row.insert(row.begin(), json::text_or(one, "/projectName"));
  return row;
}

std::vector<Column> columns_of(bool with_project) {
  return {all_columns.begin() + (with_project ? 0 : 1), all_columns.end()};
}

void sort_newest_first(json::Array& workloads) {
  const auto key = [](const json::Value& one) {
    return std::pair(json::text_or(one, "/createdAt"), json::text_or(one, "/id"));
  };
  std::sort(workloads.begin(), workloads.end(),
            [&](const json::Value& a, const json::Value& b) { return key(a) > key(b); });
}

void show(const Session& session, const json::Array& workloads, bool with_project) {
  const Screen& screen = session.screen;
  if (screen.form() == Form::Json || screen.form() == Form::Yaml) {
    screen.value(json::Object{{"workloads", workloads}});
    return;
  }
  if (screen.form() == Form::Name) {
    for (const json::Value& one : workloads)
      screen.line((with_project ? json::text_or(one, "/projectName") + "/" : "") + json::text_or(one, "/name"));
    return;
  }
  if (workloads.empty()) {
    screen.note(with_project ? "no workloads; submit one: muster submit --gpu 0.5 -- sh -c 'echo hello'"
                             : "no workloads in project " + session.project() + "; muster list -A shows every project");
    return;
  }
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& one : workloads) rows.push_back(row_of(one, with_project, session.around));
  screen.table(columns_of(with_project), rows);
}

// Draws the table again on a terminal; elsewhere each change is a line.
class Watching {
 public:
  Watching(Session& session, bool with_project) : session_(session), with_project_(with_project) {}

  Result<int> run() {
    hold_interrupt();
    Server* server = TRY(session_.server());
    std::unique_ptr<Feed> feed = TRY(Feed::open(*server));
    TRY(read());
    Deadline redraw = Deadline::in(seconds(10));  // ages go on
    bool changed = false;
    while (!session_.around.interrupted()) {
      const std::optional<FeedEvent> event = TRY(feed->next(Deadline::in(milliseconds(changed ? 50 : 250))));
      if (event) {
        changed = TRY(take(*event)) || changed;
        continue;
      }
      if (session_.around.out_is_terminal && (changed || redraw.passed()) && !session_.screen.is_for_programs()) {
        session_.screen.clear();
        show(session_, workloads_, with_project_);
        redraw = Deadline::in(seconds(10));
      }
      changed = false;
    }
    return 130;
  }

 private:
  bool is_ours(const json::Value& one) const {
    return with_project_ || json::text_or(one, "/projectName") == session_.project();
  }

  Result<void> read() {
    workloads_ = TRY(list_workloads(session_, with_project_));
    sort_newest_first(workloads_);
    if (session_.around.out_is_terminal && !session_.screen.is_for_programs()) {
      session_.screen.clear();
      show(session_, workloads_, with_project_);
      return {};
    }
    if (!began_ && !session_.screen.is_for_programs()) {
      show(session_, workloads_, with_project_);
    } else {
      for (const json::Value& one : workloads_) tell(one);
    }
    began_ = true;
    return {};
  }

  // One change, for a pipe.
  void tell(const json::Value& one) {
    if (session_.around.out_is_terminal && !session_.screen.is_for_programs()) return;
    switch (session_.screen.form()) {
      case Form::Json:
        session_.screen.line(json::write(one));
        break;
      case Form::Yaml:
        session_.screen.line("---");
        session_.screen.value(one);
        break;
      case Form::Name:
        session_.screen.line((with_project_ ? json::text_or(one, "/projectName") + "/" : "") +
                             json::text_or(one, "/name"));
        break;
      case Form::Table:
      case Form::Wide: {
        // As wide as in the table, so that lines stand below each other.
        std::vector<std::vector<Cell>> rows = {row_of(one, with_project_, session_.around)};
        for (const json::Value& other : workloads_) rows.push_back(row_of(other, with_project_, session_.around));
        session_.around.out(session_.screen.table_row(columns_of(with_project_), rows, 0));
        break;
      }
    }
  }

  Result<bool> take(const FeedEvent& event) {
    if (event.kind == "gap") {
      TRY(read());
      return true;
    }
    const std::string id = json::text_or(event.object, "/id");
    const auto known = std::find_if(workloads_.begin(), workloads_.end(),
                                    [&](const json::Value& one) { return json::text_or(one, "/id") == id; });
    if (event.kind == "workload-gone") {
      if (known == workloads_.end()) return false;
      json::Value gone = *known;
      workloads_.erase(known);
      gone.get_object()["phase"] = "Deleted";
      tell(gone);
      return true;
    }
    if (event.kind != "workload" || !is_ours(event.object)) return false;
    if (known != workloads_.end()) *known = event.object;
    else workloads_.insert(workloads_.begin(), event.object);
    tell(event.object);
    return true;
  }

  Session& session_;
  const bool with_project_;
  json::Array workloads_;
  bool began_ = false;
};

std::string time_text(const json::Value& object, std::string_view pointer, const Surroundings& around) {
  const std::string text = json::text_or(object, pointer);
  return text.empty() ? "" : text + " (" + age_text(object, pointer, around) + " ago)";
}

std::string enforcement_text(const json::Value& workload) {
  const std::string gpu = json::text_or(workload, "/gpuEnforcement", "none");
  std::string text = "GPU share " + (gpu == "none" ? std::string("not enforced") : "enforced by " + gpu);
  for (const char* name : {"cpu", "memory"}) {
    if (const std::string state = json::text_or(workload, std::string("/limits/") + name); !state.empty())
      text += std::string(", ") + name + " " + state;
  }
  if (const std::string devices = json::text_or(workload, "/devices"); !devices.empty()) text += ", devices " + devices;
  return text;
}

void describe_pods(const Session& session, const json::Value& workload) {
  const json::Value* pods = json::member(workload, "pods");
  if (pods == nullptr || !pods->is_array() || pods->get_array().empty()) return;
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& pod : pods->get_array()) {
    const std::optional<std::int64_t> code = json::integer_at(pod, "/exitCode");
    const std::string phase = json::text_or(pod, "/phase");
    rows.push_back({json::text_or(pod, "/name"), Cell(phase, tone_of_phase(phase == "Succeeded" ? "Completed" : phase)),
                    json::text_or(pod, "/node", "-"), json::text_or(pod, "/gpus", "-"),
                    std::to_string(json::integer_at(pod, "/restarts").value_or(0)), code ? std::to_string(*code) : "-",
                    age_text(pod, "/startedAt", session.around), json::text_or(pod, "/message")});
  }
  session.screen.line("");
  session.screen.table(
      {{"POD"}, {"PHASE"}, {"NODE"}, {"GPUS"}, {"RESTARTS", true}, {"EXIT", true}, {"STARTED", true}, {"MESSAGE"}},
      rows);
}

void describe_runs(const Session& session, const json::Value& workload) {
  const json::Value* runs = json::member(workload, "runs");
  if (runs == nullptr || !runs->is_array() || runs->get_array().empty()) return;
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& run : runs->get_array()) {
    const std::optional<std::int64_t> code = json::integer_at(run, "/exitCode");
    rows.push_back({json::text_or(run, "/pod"), json::text_or(run, "/reason", "-"), json::text_or(run, "/gpus", "-"),
                    code ? std::to_string(*code) : "-", age_text(run, "/startedAt", session.around),
                    age_text(run, "/completedAt", session.around), json::text_or(run, "/message")});
  }
  session.screen.line("");
  session.screen.table(
      {{"EARLIER RUN"}, {"END"}, {"GPUS"}, {"EXIT", true}, {"STARTED", true}, {"ENDED", true}, {"MESSAGE"}}, rows);
}

void describe_history(const Session& session, const json::Value& workload) {
  const json::Value* events = json::member(workload, "events");
  if (events == nullptr || !events->is_array() || events->get_array().empty()) return;
  std::vector<std::vector<Cell>> rows;
  for (const json::Value& event : events->get_array()) {
    const bool is_warning = json::text_or(event, "/type") == "Warning";
    const std::int64_t count = json::integer_at(event, "/count").value_or(1);
    rows.push_back({age_text(event, "/at", session.around),
                    Cell(json::text_or(event, "/reason"), is_warning ? Tone::Bad : Tone::Plain),
                    json::text_or(event, "/message") + (count > 1 ? " (" + std::to_string(count) + " times)" : "")});
  }
  session.screen.line("");
  session.screen.table({{"AGO", true}, {"EVENT"}, {"MESSAGE"}}, rows);
}

}  // namespace

Result<int> run_list(Session& session) {
  const bool all = session.typed.has("all-projects");
  if (session.typed.has("watch")) return Watching(session, all).run();
  json::Array workloads = TRY(list_workloads(session, all));
  if (workloads.empty() && !all && session.settings.at("project").origin != Setting::Origin::Default) {
    // A mistyped project is not an empty one.
    Server* server = TRY(session.server());
    const json::Value body = TRY(server->get("/api/muster/v1/projects"));
    std::vector<std::string> known;
    if (const json::Value* projects = json::member(body, "projects"); projects != nullptr && projects->is_array()) {
      for (const json::Value& one : projects->get_array()) known.push_back(json::text_or(one, "/name"));
    }
    if (std::find(known.begin(), known.end(), session.project()) == known.end())
      return not_found("no project \"" + session.project() + "\"" + did_you_mean(session.project(), known) +
                       "; known are " + join(known, ", "));
  }
  if (!session.screen.is_for_programs()) sort_newest_first(workloads);
  show(session, workloads, all);
  return 0;
}

Result<int> run_describe(Session& session) {
  const json::Value found = TRY(find_workload(session, session.typed.names[0]));
  Server* server = TRY(session.server());
  const json::Value one = TRY(server->get("/api/muster/v1/workloads/" + json::text_or(found, "/id")));
  if (session.screen.form() == Form::Name) {
    session.screen.line(json::text_or(one, "/name"));
    return 0;
  }
  if (session.screen.is_for_programs()) {
    session.screen.value(one);
    return 0;
  }
  const Surroundings& around = session.around;
  const std::string phase = json::text_or(one, "/phase");
  const bool borrows = json::bool_at(one, "/overQuota").value_or(false);
  const std::optional<std::int64_t> code = json::integer_at(one, "/exitCode");
  const json::Value* held = json::find(one, "/allocatedResources/gpu");
  std::string command = json::text_or(one, "/command");
  if (const std::string args = json::text_or(one, "/arguments"); !args.empty()) command += " " + args;
  session.screen.pairs({
      {"Name", json::text_or(one, "/name")},
      {"Project", json::text_or(one, "/projectName") + " (department " + json::text_or(one, "/departmentName") + ")"},
      {"Id", json::text_or(one, "/id")},
      {"Phase", session.screen.toned(phase, tone_of_phase(phase))},
      {"Reason", reason_text(one)},
      {"Command", command},
      {"Folder", json::text_or(one, "/spec/workingDir")},
      {"GPUs", gpus_text(one) + (held != nullptr && held->is_number() ? ", holds " + amount_text(held) : "") +
                   (borrows ? ", above the project's quota" : "")},
      {"Priority", json::text_or(one, "/priorityClassName") +
                       (json::bool_at(one, "/preemptible").value_or(true) ? ", preemptible" : ", not preemptible")},
      {"Limits", enforcement_text(one)},
      {"Submitted by", json::text_or(one, "/submittedBy")},
      {"Created", time_text(one, "/createdAt", around)},
      {"Completed", time_text(one, "/completedAt", around)},
      {"Restarts", std::to_string(json::integer_at(one, "/restarts").value_or(0))},
      {"Exit status", code ? std::to_string(*code) : ""},
  });
  describe_pods(session, one);
  describe_runs(session, one);
  describe_history(session, one);
  if (json::find(one, "/waiting/reason") != nullptr) {
    const std::string where = session.project() == "default" ? "" : " -p " + session.project();
    session.screen.note("\nmuster why" + where + " " + json::text_or(one, "/name") + " says what would start it");
  }
  return 0;
}

}  // namespace muster::cli
