#pragma once
// Workload: one accepted training: what was asked (durable), what the cluster says of it (newest fact), and what
// follows from both: phase, times, the entity that REST shows. Thread contract: guarded by the lock of the tables.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "control/work/submission.h"
#include "model/line.h"
#include "model/phase.h"
#include "sql/connection.h"

namespace muster::control {

enum class Wanted { Running, Stopped, Deleted };
std::string_view to_text(Wanted wanted);

struct PhaseChange {
  Time at;
  model::Phase phase = model::Phase::Creating;
  std::string message;
};

struct Workload {
  std::string id, name, requested_name;
  std::string project_id, project, department_id, department, ns;
  std::string submitted_by, source;
  std::optional<std::int64_t> uid, gid;
  std::string spec;  // JSON, complete
  std::string timeout;
  SpecSummary summary;
  Wanted wanted = Wanted::Running;
  Time created, updated;
  std::optional<Time> deleted;

  model::Phase phase = model::Phase::Creating;
  std::string phase_reason, phase_message;
  Time phase_at;
  std::optional<std::int64_t> exit_code;
  std::int64_t restarts = 0;
  std::optional<Time> started, completed;
  std::shared_ptr<const json::Value> fact;  // newest; nullptr = none yet
  bool fact_is_live = false;                // reported since the line was connected, not read from the record
  std::vector<PhaseChange> timeline;        // oldest first
  std::size_t saved_lines = 0;              // of the timeline, that stand in the record

  // The entity as JSON text without its closing brace, and without what grows with time; "" = must be made anew.
  mutable std::string entity;

  bool is_final() const { return model::is_final(phase); }
};

// A row of the table, and back.
Result<void> insert_workload(sql::Connection& db, const Workload& workload);
// The columns that change after acceptance.
Result<void> update_workload(sql::Connection& db, const Workload& workload);
// The lines of the timeline that the record lacks. The caller sets `saved_lines` once nothing can fail any more.
Result<void> insert_phase_changes(sql::Connection& db, const Workload& workload);
Result<std::vector<Workload>> load_workloads(sql::Connection& db);

// What goes down the line: the Training, or its removal.
model::Desired desired_training(const Workload& workload);

// Takes a fact over. True when the phase changed (a new line in `timeline`).
bool apply_fact(Workload& workload, std::shared_ptr<const json::Value> fact);
// Enters a phase. False when it holds already with this reason and message.
bool enter_phase(Workload& workload, model::Phase phase, const std::string& reason, const std::string& message,
                 Time at);
// Seconds spent waiting and running until `now`.
struct Spent {
  std::int64_t pending = 0, running = 0;
};
Spent time_spent(const Workload& workload, Time now);

}  // namespace muster::control
