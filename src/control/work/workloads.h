#pragma once
// Workloads: every accepted workload in memory, in order of acceptance, and what changes them. The functions that take
// a connection are bodies of jobs of the record: rows and outbox first, memory last. Thread contract: guarded by the
// lock of the tables.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/access/caller.h"
#include "control/org/organisation.h"
#include "control/record/record.h"
#include "control/work/workload.h"

namespace muster::control {

class Workloads {
 public:
  static constexpr std::size_t most_ended = 4000;

  // Facts that are known already are applied again. Names in use are rebuilt.
  Result<void> load(sql::Connection& db);

  const Workload* find(const std::string& id) const;
  // Not deleted, by name.
  const Workload* find_live(const std::string& project_id, const std::string& name) const;
  // In order of acceptance.
  const std::vector<Workload*>& live() const { return live_; }
  const std::vector<Workload*>& deleted() const { return deleted_; }
  std::size_t count_of_project(const std::string& project_id) const;  // live ones

  // `spec_text` is the written form of the submission's spec, made outside the lock.
  Result<const Workload*> accept(sql::Connection& db, Effects& effects, Time now, Organisation& organisation,
                                 const Caller& caller, const Submission& submission, const std::string& spec_text,
                                 const std::string& source);
  // Stop or run again. False when nothing changed.
  Result<bool> want(sql::Connection& db, Effects& effects, Time now, const std::string& id, Wanted wanted,
                    const std::string& caller);
  // Sends the wish once more, as the cluster does not know it.
  Result<void> send_again(sql::Connection& db, Effects& effects, const std::string& id);

  // A fact of the cluster. False when the workload is unknown or gone already.
  bool take_fact(const std::string& id, std::shared_ptr<const json::Value> fact);
  // The cluster has it no more. The id's project may then be ready to go.
  bool take_gone(const std::string& id, Time now);
  // What facts have changed since the last call goes to the database.
  Result<void> save(sql::Connection& db);
  bool has_unsaved() const { return !unsaved_.empty(); }

  // Ended workloads to delete, and deleted ones to forget, at `now`.
  struct Due {
    std::vector<std::string> to_delete, to_forget;
  };
  // Ended ones above `most` are due as well, the longest ended first: the cluster's store is bounded.
  Due due(Time now, std::size_t most = most_ended);
  std::optional<Time> next_due() const;
  Result<void> forget(sql::Connection& db, const std::vector<std::string>& ids);

  static constexpr Duration kept_after_deletion = hours(24 * 14);

 private:
  Workload* known(const std::string& id);
  void note_unsaved(const Workload& one, bool phase_changed);
  void note_due(const Workload& one);
  Result<std::string> name_for(sql::Connection& db, Organisation& organisation, const Project& project,
                               const Submission& submission) const;

  std::map<std::string, std::unique_ptr<Workload>, std::less<>> by_id_;
  std::map<std::pair<std::string, std::string>, Workload*> live_names_;  // project id, name
  std::vector<Workload*> live_, deleted_;
  std::set<std::string> unsaved_;  // ids
  std::set<std::pair<Time, std::string>> due_;
};

}  // namespace muster::control
