#pragma once
// Connection: SQLite through one small header: prepared statements that are kept, transactions, numbered migrations.
// Times are stored as integer milliseconds, JSON as text. Owns sqlite3.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace muster::sql {

using Cell = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

class Row {
 public:
  explicit Row(std::vector<Cell> cells) : cells_(std::move(cells)) {}
  bool is_null(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;  // 0 for null
  double real(std::size_t column) const;
  std::string text(std::size_t column) const;  // "" for null
  std::size_t size() const { return cells_.size(); }

 private:
  std::vector<Cell> cells_;
};

struct Migration {
  int version = 0;  // 1, 2, 3 ...
  std::string name;
  std::string_view sql;
};

// Thread contract: one thread at a time (callers hold a Mutex), or one connection per thread.
class Connection {
 public:
  // Creates the file with mode 0600; WAL, foreign keys, busy timeout 5 s, synchronous FULL when `durable`.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, bool durable = true);
  ~Connection();
  Connection(const Connection&) = delete;

  // Values bind to ? in order.
  Result<std::vector<Row>> query(std::string_view sql, std::vector<Cell> values = {});
  // Calls `each` per row without keeping them; each returns false to stop.
  Result<void> for_each(std::string_view sql, std::vector<Cell> values, const std::function<bool(const Row&)>& each);
  // Number of changed rows. A broken UNIQUE constraint is conflict; a full disk internal with "space".
  Result<std::int64_t> execute(std::string_view sql, std::vector<Cell> values = {});
  std::int64_t last_insert_id() const;
  // BEGIN IMMEDIATE; COMMIT when `work` succeeds, ROLLBACK otherwise. Does not nest.
  Result<void> transaction(const std::function<Result<void>()>& work);
  // Applies what is missing, each in a transaction. invalid when the file is of a newer version than the last
  // migration.
  Result<void> migrate(std::span<const Migration> migrations);

 private:
  struct Inside;
  explicit Connection(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace muster::sql
