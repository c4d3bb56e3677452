#include "control/work/workload.h"

#include <algorithm>
#include <map>

#include "model/names.h"

namespace muster::control {
namespace {

using model::Phase;

constexpr std::size_t longest_timeline = 500;

sql::Cell cell(const std::optional<std::int64_t>& number) { return number ? sql::Cell(*number) : sql::Cell(nullptr); }
sql::Cell cell(const std::optional<Time>& time) { return time ? sql::Cell(time->ms) : sql::Cell(nullptr); }

// The newest fact is kept once it no longer changes: it describes a workload that the cluster has forgotten.
sql::Cell last_fact(const Workload& workload) {
  const bool keeps = workload.fact != nullptr && (workload.is_final() || workload.wanted == Wanted::Deleted);
  return keeps ? sql::Cell(json::write(*workload.fact)) : sql::Cell(nullptr);
}

std::optional<std::int64_t> integer_at(const sql::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}
std::optional<Time> time_at(const sql::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(Time{row.integer(column)});
}

std::optional<Time> time_in(const json::Value& fact, std::string_view pointer) {
  const std::optional<std::string> text = json::text_at(fact, pointer);
  if (!text) return std::nullopt;
  const Result<Time> time = parse_rfc3339(*text);
  return time.has_value() ? std::optional(*time) : std::nullopt;
}

Wanted wanted_of(const std::string& text) {
  if (text == "Stopped") return Wanted::Stopped;
  return text == "Deleted" ? Wanted::Deleted : Wanted::Running;
}

Result<Workload> read_row(const sql::Row& row) {
  Workload out;
  out.id = row.text(0);
  out.name = row.text(1);
  out.requested_name = row.text(2);
  out.project_id = row.text(3);
  out.project = row.text(4);
  out.department_id = row.text(5);
  out.department = row.text(6);
  out.ns = row.text(7);
  out.submitted_by = row.text(8);
  out.uid = integer_at(row, 9);
  out.gid = integer_at(row, 10);
  out.source = row.text(11);
  out.spec = row.text(12);
  out.timeout = row.text(13);
  out.wanted = wanted_of(row.text(14));
  if (!model::parse(row.text(15), out.phase)) out.phase = Phase::Unknown;
  out.phase_reason = row.text(16);
  out.phase_message = row.text(17);
  out.phase_at = {row.integer(18)};
  out.exit_code = integer_at(row, 19);
  out.restarts = row.integer(20);
  out.started = time_at(row, 21);
  out.completed = time_at(row, 22);
  out.created = {row.integer(23)};
  out.updated = {row.integer(24)};
  out.deleted = time_at(row, 25);
  if (!row.is_null(26)) out.fact = std::make_shared<const json::Value>(TRY(json::parse(row.text(26))));
  const json::Value spec = TRY(json::parse(out.spec, {.bytes = 4 << 20}));
  out.summary = summarize(spec);
  return out;
}

}  // namespace

std::string_view to_text(Wanted wanted) {
  switch (wanted) {
    case Wanted::Running:
      return "Running";
    case Wanted::Stopped:
      return "Stopped";
    case Wanted::Deleted:
      return "Deleted";
  }
  return "";
}

Result<void> insert_workload(sql::Connection& db, const Workload& one) {
  TRY(db.execute(
      "INSERT INTO workload (id, name, requested_name, project_id, project, department_id, department, namespace, "
      "submitted_by, uid, gid, source, spec, timeout, desired, phase, phase_at, created_at, updated_at) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {one.id, one.name, one.requested_name, one.project_id, one.project, one.department_id, one.department, one.ns,
       one.submitted_by, cell(one.uid), cell(one.gid), one.source, one.spec, one.timeout,
       std::string(to_text(one.wanted)), std::string(model::to_text(one.phase)), one.phase_at.ms, one.created.ms,
       one.updated.ms}));
  return {};
}

Result<void> update_workload(sql::Connection& db, const Workload& one) {
  TRY(db.execute(
      "UPDATE workload SET desired = ?, phase = ?, phase_reason = ?, phase_message = ?, phase_at = ?, exit_code = ?, "
      "restarts = ?, started_at = ?, completed_at = ?, updated_at = ?, deleted_at = ?, last_fact = ? WHERE id = ?",
      {std::string(to_text(one.wanted)), std::string(model::to_text(one.phase)), one.phase_reason, one.phase_message,
       one.phase_at.ms, cell(one.exit_code), one.restarts, cell(one.started), cell(one.completed), one.updated.ms,
       cell(one.deleted), last_fact(one), one.id}));
  return {};
}

Result<void> insert_phase_changes(sql::Connection& db, const Workload& one) {
  for (std::size_t i = one.saved_lines; i < one.timeline.size(); ++i) {
    const PhaseChange& change = one.timeline[i];
    TRY(db.execute("INSERT INTO phase_change (workload_id, at, phase, message) VALUES (?, ?, ?, ?)",
                   {one.id, change.at.ms, std::string(model::to_text(change.phase)), change.message}));
  }
  return {};
}

Result<std::vector<Workload>> load_workloads(sql::Connection& db) {
  std::vector<Workload> out;
  std::map<std::string, std::size_t> places;
  Result<void> row_result;
  TRY(db.for_each(
      "SELECT id, name, requested_name, project_id, project, department_id, department, namespace, submitted_by, uid, "
      "gid, source, spec, timeout, desired, phase, phase_reason, phase_message, phase_at, exit_code, restarts, "
      "started_at, completed_at, created_at, updated_at, deleted_at, last_fact FROM workload ORDER BY created_at, "
      "rowid",
      {}, [&](const sql::Row& row) {
        Result<Workload> one = read_row(row);
        if (!one.has_value()) {
          row_result = one.error().at("workload " + row.text(0));
          return false;
        }
        places[one->id] = out.size();
        out.push_back(*std::move(one));
        return true;
      }));
  TRY(row_result);
  TRY(db.for_each("SELECT workload_id, at, phase, message FROM phase_change ORDER BY at, rowid", {},
                  [&](const sql::Row& row) {
                    const auto place = places.find(row.text(0));
                    if (place == places.end()) return true;
                    PhaseChange change{.at = {row.integer(1)}, .message = row.text(3)};
                    if (model::parse(row.text(2), change.phase)) {
                      out[place->second].timeline.push_back(std::move(change));
                      ++out[place->second].saved_lines;
                    }
                    return true;
                  }));
  return out;
}

model::Desired desired_training(const Workload& one) {
  model::Desired out{.kind = "Training", .ns = one.ns, .name = one.name, .remove = one.wanted == Wanted::Deleted};
  json::Object labels{{std::string(model::keys::workload_id_label), one.id},
                      {std::string(model::keys::project_label), one.project}};
  json::Object annotations{{"muster.dev/submitted-by", one.submitted_by},
                           {"muster.dev/priority-class", one.summary.priority_class}};
  if (one.uid) annotations["muster.dev/uid"] = std::to_string(*one.uid);
  if (one.gid) annotations["muster.dev/gid"] = std::to_string(*one.gid);
  if (!one.timeout.empty()) annotations["muster.dev/timeout"] = one.timeout;
  json::Value spec = json::Object{};
  if (Result<json::Value> parsed = json::parse(one.spec, {.bytes = 4 << 20}); parsed.has_value()) spec = *parsed;
  json::set_at(spec, "/suspend", one.wanted == Wanted::Stopped);
  out.object = json::Object{{"apiVersion", "muster.dev/v1alpha1"},
                            {"kind", "Training"},
                            {"metadata", json::Object{{"name", one.name},
                                                      {"namespace", one.ns},
                                                      {"labels", std::move(labels)},
                                                      {"annotations", std::move(annotations)}}},
                            {"spec", std::move(spec)}};
  return out;
}

bool enter_phase(Workload& one, Phase phase, const std::string& reason, const std::string& message, Time at) {
  one.entity.clear();
  const bool changed = one.phase != phase || one.timeline.empty();
  if (!changed && one.phase_reason == reason && one.phase_message == message) return false;
  one.phase_reason = reason;
  one.phase_message = message;
  if (!changed) return false;
  one.phase = phase;
  one.phase_at = at;
  if (one.timeline.size() >= longest_timeline && one.saved_lines > 1) {
    one.timeline.erase(one.timeline.begin() + 1);
    --one.saved_lines;
  }
  one.timeline.push_back({.at = at, .phase = phase, .message = message});
  return true;
}

bool apply_fact(Workload& one, std::shared_ptr<const json::Value> fact) {
  const json::Value& said = *fact;
  one.fact = std::move(fact);
  one.fact_is_live = true;
  one.entity.clear();
  if (const json::Value* exit = json::member(said, "exitCode")) {
    one.exit_code = exit->is_null() ? std::nullopt : json::integer_at(*exit, "");
  }
  one.restarts = json::integer_at(said, "/restarts").value_or(one.restarts);
  if (const auto started = time_in(said, "/startedAt")) one.started = started;
  Phase phase = one.phase;
  if (!model::parse(json::text_or(said, "/phase"), phase)) return false;
  one.completed = model::is_final(phase) ? time_in(said, "/completedAt") : std::nullopt;
  if (one.wanted == Wanted::Deleted && phase != Phase::Terminating) phase = Phase::Deleting;
  Time at = time_in(said, "/phaseUpdatedAt").value_or(one.phase_at);
  if (at < one.phase_at) at = one.phase_at;
  if (model::is_final(phase) && !one.completed) one.completed = at;
  return enter_phase(one, phase, json::text_or(said, "/phaseReason"), json::text_or(said, "/phaseMessage"), at);
}

Spent time_spent(const Workload& one, Time now) {
  std::int64_t pending = 0, running = 0;
  for (std::size_t i = 0; i < one.timeline.size(); ++i) {
    const PhaseChange& change = one.timeline[i];
    const Time until = i + 1 < one.timeline.size() ? one.timeline[i + 1].at : one.deleted.value_or(now);
    const std::int64_t spent = std::max<std::int64_t>(0, (until - change.at).ms);
    if (change.phase == Phase::Pending) pending += spent;
    if (change.phase == Phase::Running || change.phase == Phase::Degraded) running += spent;
  }
  return {.pending = pending / 1000, .running = running / 1000};
}

}  // namespace muster::control
