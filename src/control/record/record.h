#pragma once
// Record: the one writer of control.db. Changes are jobs that run in order on one thread; jobs that wait together share
// one commit, so that thousands of durable changes a second cost a few hundred syncs. A job changes the database first
// and the tables in memory last; when a commit fails, the tables in memory are read anew.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/threads.h"
#include "base/time.h"
#include "model/line.h"
#include "sql/connection.h"

namespace muster::control {

// What one job leaves behind besides its rows. Filled by the job, used after the commit.
struct Effects {
  std::vector<model::Desired> desired;          // with sequence: rows of the outbox
  std::vector<std::function<void()>> announce;  // told to watchers
};

// Runs under the lock of the tables in memory. Requires of the function: the database first, memory last; an error
// leaves both as they were.
using Job = std::function<Result<void>(sql::Connection&, Effects&)>;

class Record {
 public:
  struct Hooks {
    Mutex* tables = nullptr;                                      // guards the tables in memory
    std::function<Result<void>(sql::Connection&)> reload;         // called with `tables` held
    std::function<void(std::vector<model::Desired>)> on_desired;  // after the commit, in order
  };
  static Result<std::unique_ptr<Record>> open(const std::string& path, Hooks hooks);
  ~Record();

  // Waits until the job's commit is durable. The caller must not hold the lock of the tables.
  Result<void> commit(Job job);
  // Durable soon (at most `lazy_delay`), nobody waits. May be called with the lock of the tables held.
  void commit_later(Job job);
  // For starting up, before the first job.
  sql::Connection& connection() { return *connection_; }
  // Number of commits and jobs since the start.
  struct Counts {
    std::uint64_t commits = 0, jobs = 0, failed_commits = 0;
  };
  Counts counts() const EXCLUDES(mutex_);

  static constexpr Duration lazy_delay = milliseconds(100);

 private:
  struct Waiting;
  explicit Record(Hooks hooks) : hooks_(std::move(hooks)) {}
  void run(std::stop_token stop);
  // Everything that waits, once somebody waits for it or the oldest lazy job is due; empty when stopping.
  std::vector<std::shared_ptr<Waiting>> take(std::stop_token stop) EXCLUDES(mutex_);
  void write(std::vector<std::shared_ptr<Waiting>> batch);
  // Sets the job's result. An error means that the transaction itself is broken.
  Result<void> run_one(Waiting& waiting);

  Hooks hooks_;
  std::unique_ptr<sql::Connection> connection_;
  mutable Mutex mutex_;
  Condition changed_;
  std::vector<std::shared_ptr<Waiting>> waiting_ GUARDED_BY(mutex_);
  bool somebody_waits_ GUARDED_BY(mutex_) = false;
  Deadline lazy_due_ GUARDED_BY(mutex_) = Deadline::never();
  Counts counts_ GUARDED_BY(mutex_);
  std::jthread writer_;
};

// Appends one entry to the outbox and to the effects.
Result<void> enqueue_desired(sql::Connection& db, Effects& effects, model::Desired change, const std::string& key);
// One line of the audit log. Details must hold no secret.
Result<void> audit(sql::Connection& db, Time at, std::string_view caller, std::string_view action,
                   std::string_view kind, std::string_view name, const json::Value& details);

}  // namespace muster::control
