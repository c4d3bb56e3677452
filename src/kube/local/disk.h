#pragma once
// Disk: the rows of the embedded store in SQLite. One row per object, its JSON text without resourceVersion (a column).
// Durability: WAL with synchronous=NORMAL. A write that was acknowledged is in the kernel's hands: it survives the end
// of the process by any means. A power cut can take the writes of the last second or so (sync() bounds it), never the
// order or the wholeness of what is left.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/connection.h"

namespace muster::kube::local {

class Disk {
 public:
  struct Stored {
    std::int64_t row = 0;
    std::string kind, path;  // kind: "pods", "queues.scheduling.run.ai"
    std::int64_t revision = 0;
    std::string text;
  };

  static Result<std::unique_ptr<Disk>> open(const std::string& path);
  Result<void> load(const std::function<Result<void>(Stored)>& each);
  // A revision that no earlier process has handed out.
  std::int64_t first_revision() const { return reserved_; }
  Result<void> put(const Stored& object, bool is_new);
  Result<void> drop(std::int64_t row, std::int64_t revision);
  std::int64_t next_row() { return ++last_row_; }

  // Moves the log into the database and syncs both, on a connection of its own: any thread, beside writers.
  Result<void> sync();

 private:
  Disk() = default;
  // Revisions are reserved on disk in blocks, so that a deletion need not write the counter.
  Result<void> reserve(std::int64_t revision);

  std::unique_ptr<sql::Connection> connection_, syncing_;
  std::int64_t last_row_ = 0;
  std::int64_t reserved_ = 0;
};

}  // namespace muster::kube::local
