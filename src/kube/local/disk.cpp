// Statements and schema of the embedded store's file.
#include "kube/local/disk.h"

namespace muster::kube::local {

namespace {

constexpr std::int64_t reserved_at_once = 10'000;

const sql::Migration migrations[] = {
    {1, "objects",
     "CREATE TABLE object (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, revision INTEGER NOT NULL,"
     " text TEXT NOT NULL, UNIQUE (kind, path)) STRICT;"
     "CREATE TABLE reservation (revision INTEGER NOT NULL) STRICT;"
     "INSERT INTO reservation VALUES (100)"},
};

}  // namespace

Result<std::unique_ptr<Disk>> Disk::open(const std::string& path) {
  std::unique_ptr<Disk> disk(new Disk());
  disk->connection_ = TRY(sql::Connection::open(path, false));
  TRY(disk->connection_->migrate(migrations));
  if (path != ":memory:") {
    // sync() does the checkpoints; the writer does one itself only when the log has grown far beyond that.
    TRY(disk->connection_->query("PRAGMA wal_autocheckpoint = 8000"));
    disk->syncing_ = TRY(sql::Connection::open(path, false));
  }
  disk->reserved_ = TRY(disk->connection_->query("SELECT revision FROM reservation")).at(0).integer(0);
  return disk;
}

Result<void> Disk::load(const std::function<Result<void>(Stored)>& each) {
  Result<void> result;
  TRY(connection_->for_each("SELECT id, kind, path, revision, text FROM object", {}, [&](const sql::Row& row) {
    last_row_ = std::max(last_row_, row.integer(0));
    result = each({row.integer(0), row.text(1), row.text(2), row.integer(3), row.text(4)});
    return result.has_value();
  }));
  return result;
}

Result<void> Disk::reserve(std::int64_t revision) {
  if (revision < reserved_) return {};
  const std::int64_t upto = revision + reserved_at_once;
  TRY(connection_->execute("UPDATE reservation SET revision = ?", {upto}));
  reserved_ = upto;
  return {};
}

Result<void> Disk::put(const Stored& object, bool is_new) {
  TRY(reserve(object.revision));
  if (is_new) {
    TRY(connection_->execute("INSERT INTO object (id, kind, path, revision, text) VALUES (?, ?, ?, ?, ?)",
                             {object.row, object.kind, object.path, object.revision, object.text}));
  } else {
    TRY(connection_->execute("UPDATE object SET revision = ?, text = ? WHERE id = ?",
                             {object.revision, object.text, object.row}));
  }
  return {};
}

Result<void> Disk::drop(std::int64_t row, std::int64_t revision) {
  TRY(reserve(revision));
  TRY(connection_->execute("DELETE FROM object WHERE id = ?", {row}));
  return {};
}

Result<void> Disk::sync() {
  if (syncing_ == nullptr) return {};
  TRY(syncing_->query("PRAGMA wal_checkpoint(PASSIVE)"));
  return {};
}

}  // namespace muster::kube::local
