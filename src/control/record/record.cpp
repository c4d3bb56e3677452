#include "control/record/record.h"

#include <algorithm>
#include <optional>

#include "base/embedded.h"
#include "base/log.h"

namespace muster::control {
namespace {

// Migrations are "001-start.sql": the number is the version.
std::vector<sql::Migration> migrations() {
  std::vector<sql::Migration> out;
  for (const embedded::File& file : embedded::migrations()) {
    int version = 0;
    for (const char c : file.path.substr(0, file.path.find('-'))) version = version * 10 + (c - '0');
    out.push_back({.version = version, .name = std::string(file.path), .sql = file.bytes});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
  return out;
}

}  // namespace

struct Record::Waiting {
  Job job;
  bool lazy = false;
  Effects effects;
  std::optional<Result<void>> result;  // set after the commit
  Mutex mutex;
  Condition done;
  bool finished = false;
};

Result<std::unique_ptr<Record>> Record::open(const std::string& path, Hooks hooks) {
  std::unique_ptr<Record> record(new Record(std::move(hooks)));
  record->connection_ = TRY(sql::Connection::open(path));
  TRY(record->connection_->migrate(migrations()));
  record->writer_ = std::jthread([self = record.get()](std::stop_token stop) { self->run(stop); });
  return record;
}

Record::~Record() {
  writer_.request_stop();
  {
    Lock lock(mutex_);
    changed_.notify_all();
  }
  if (writer_.joinable()) writer_.join();
}

Result<void> Record::commit(Job job) {
  auto waiting = std::make_shared<Waiting>();
  waiting->job = std::move(job);
  {
    Lock lock(mutex_);
    waiting_.push_back(waiting);
    somebody_waits_ = true;
    changed_.notify_one();
  }
  Lock lock(waiting->mutex);
  while (!waiting->finished) waiting->done.wait(waiting->mutex);
  return *waiting->result;
}

void Record::commit_later(Job job) {
  auto waiting = std::make_shared<Waiting>();
  waiting->job = std::move(job);
  waiting->lazy = true;
  Lock lock(mutex_);
  waiting_.push_back(std::move(waiting));
  if (lazy_due_.monotonic_ms == Deadline::never().monotonic_ms) {
    lazy_due_ = Deadline::in(lazy_delay);
    changed_.notify_one();
  }
}

Record::Counts Record::counts() const {
  Lock lock(mutex_);
  return counts_;
}

std::vector<std::shared_ptr<Record::Waiting>> Record::take(std::stop_token stop) {
  Lock lock(mutex_);
  while (!stop.stop_requested() && !somebody_waits_ && !lazy_due_.passed()) {
    if (lazy_due_.monotonic_ms == Deadline::never().monotonic_ms) {
      changed_.wait(mutex_);
    } else {
      changed_.wait_until(mutex_, lazy_due_);
    }
  }
  somebody_waits_ = false;
  lazy_due_ = Deadline::never();
  return std::exchange(waiting_, {});
}

void Record::run(std::stop_token stop) {
  name_thread("record");
  while (true) {
    std::vector<std::shared_ptr<Waiting>> batch = take(stop);
    if (!batch.empty()) {
      write(std::move(batch));
    } else if (stop.stop_requested()) {
      return;
    }
  }
}

Result<void> Record::run_one(Waiting& waiting) {
  TRY(connection_->execute("SAVEPOINT job"));
  {
    Lock lock(*hooks_.tables);
    waiting.result = waiting.job(*connection_, waiting.effects);
  }
  if (!waiting.result->has_value()) {
    waiting.effects = {};
    // Fails when a full disk has ended the whole transaction already: then no job of this batch may count as done.
    TRY(connection_->execute("ROLLBACK TO job"));
  }
  TRY(connection_->execute("RELEASE job"));
  return {};
}

void Record::write(std::vector<std::shared_ptr<Waiting>> batch) {
  const Result<void> committed = connection_->transaction([&]() -> Result<void> {
    for (const auto& waiting : batch) TRY(run_one(*waiting));
    return {};
  });
  if (!committed.has_value()) {
    log::error("record.commit_failed", {{"error", committed.error().text}, {"changes", batch.size()}});
    Lock lock(*hooks_.tables);
    if (const Result<void> reloaded = hooks_.reload(*connection_); !reloaded.has_value()) {
      log::error("record.reload_failed", {{"error", reloaded.error().text}});
    }
  }
  {
    Lock lock(mutex_);
    ++counts_.commits;
    counts_.jobs += batch.size();
    if (!committed.has_value()) ++counts_.failed_commits;
  }
  std::vector<model::Desired> desired;
  for (const auto& waiting : batch) {
    if (!committed.has_value()) {
      // A job that was refused for a reason of its own keeps that reason.
      if (!waiting->result || waiting->result->has_value()) waiting->result = committed;
      waiting->effects = {};
    }
    if (waiting->lazy && !waiting->result->has_value()) {
      log::warn("record.change_lost", {{"error", waiting->result->error().text}});
    }
    std::move(waiting->effects.desired.begin(), waiting->effects.desired.end(), std::back_inserter(desired));
  }
  if (!desired.empty()) hooks_.on_desired(std::move(desired));
  for (const auto& waiting : batch) {
    for (const auto& tell : waiting->effects.announce) tell();
    Lock lock(waiting->mutex);
    waiting->finished = true;
    waiting->done.notify_all();
  }
}

Result<void> enqueue_desired(sql::Connection& db, Effects& effects, model::Desired change, const std::string& key) {
  TRY(db.execute("INSERT INTO outbox (kind, namespace, name, key, remove, object) VALUES (?, ?, ?, ?, ?, ?)",
                 {change.kind, change.ns, change.name, key, std::int64_t{change.remove}, json::write(change.object)}));
  change.sequence = static_cast<std::uint64_t>(db.last_insert_id());
  effects.desired.push_back(std::move(change));
  return {};
}

Result<void> audit(sql::Connection& db, Time at, std::string_view caller, std::string_view action,
                   std::string_view kind, std::string_view name, const json::Value& details) {
  TRY(db.execute(
      "INSERT INTO audit (at, caller, action, kind, name, details) VALUES (?, ?, ?, ?, ?, ?)",
      {at.ms, std::string(caller), std::string(action), std::string(kind), std::string(name), json::write(details)}));
  return {};
}

}  // namespace muster::control
