// Connection on sqlite3. Statements are prepared once and kept; result codes become errors whose kind says what the
// caller can do about them. sqlite3.h is included here and nowhere else.
#include "sql/connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <unordered_map>

#include "base/check.h"
#include "base/file.h"

namespace muster::sql {

namespace {

// A program has a few dozen statements; texts beyond this number are prepared for one use.
constexpr std::size_t kept_statements = 512;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct Kept {
  sqlite3_stmt* statement = nullptr;
  bool in_use = false;
};

}  // namespace

bool Row::is_null(std::size_t column) const { return std::holds_alternative<std::nullptr_t>(cells_.at(column)); }

std::int64_t Row::integer(std::size_t column) const {
  const Cell& cell = cells_.at(column);
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
  if (const auto* number = std::get_if<double>(&cell)) return static_cast<std::int64_t>(*number);
  return 0;
}

double Row::real(std::size_t column) const {
  const Cell& cell = cells_.at(column);
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*number);
  return 0;
}

std::string Row::text(std::size_t column) const {
  const Cell& cell = cells_.at(column);
  if (const auto* words = std::get_if<std::string>(&cell)) return *words;
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  return "";
}

struct Connection::Inside {
  std::string path;
  sqlite3* db = nullptr;
  std::unordered_map<std::string, Kept, TextHash, std::equal_to<>> statements;
  bool in_transaction = false;

  ~Inside() {
    for (auto& [text, kept] : statements) sqlite3_finalize(kept.statement);
    sqlite3_close(db);
  }

  Error error(std::string_view doing) const;
  Result<void> run_script(std::string_view sql);
  Result<void> step(std::string_view sql, const std::vector<Cell>& values, const std::function<bool(const Row&)>* each);
};

Error Connection::Inside::error(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(db);
  const std::string prefix = "database " + path + ": " + std::string(doing) + ": ";
  const std::string said = sqlite3_errmsg(db);
  const int system = sqlite3_system_errno(db);
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return conflict(prefix + "already exists (" + said + ")");
    default:
      break;
  }
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return invalid(prefix + said);
    case SQLITE_FULL:
      return internal(prefix + "no space left on the disk; free some space, nothing was lost");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable(prefix + "locked by another process; end it or try again");
    case SQLITE_READONLY:
      return internal(prefix + "the file or its folder is read-only; make it writable");
    case SQLITE_NOTADB:
      return internal(prefix + "the file is not a database; move it away or name another data folder");
    case SQLITE_CORRUPT:
      return internal(prefix + "the file is damaged; restore it from a backup");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (system == ENOSPC || system == EDQUOT) {
        return internal(prefix + "no space left on the disk; free some space, nothing was lost");
      }
      return internal(prefix + said + (system != 0 ? " (" + errno_text(system) + ")" : ""));
    default:
      return internal(prefix + said);
  }
}

Result<void> Connection::Inside::run_script(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error("running a script");
  return {};
}

namespace {

// Owns a statement for one use: a kept one goes back reset, a one-time one is finalized.
class Use {
 public:
  Use(sqlite3_stmt* statement, Kept* kept) : statement_(statement), kept_(kept) {
    if (kept_ != nullptr) kept_->in_use = true;
  }
  ~Use() {
    if (kept_ == nullptr) {
      sqlite3_finalize(statement_);
      return;
    }
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    kept_->in_use = false;
  }
  Use(const Use&) = delete;
  sqlite3_stmt* statement() const { return statement_; }

 private:
  sqlite3_stmt* statement_;
  Kept* kept_;
};

void bind(sqlite3_stmt* statement, int at, const Cell& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    sqlite3_bind_int64(statement, at, *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    sqlite3_bind_double(statement, at, *real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    // The values outlive the use, so SQLite need not copy them.
    sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  } else {
    sqlite3_bind_null(statement, at);
  }
}

Row read_row(sqlite3_stmt* statement) {
  const int columns = sqlite3_column_count(statement);
  std::vector<Cell> cells;
  cells.reserve(static_cast<std::size_t>(columns));
  for (int i = 0; i < columns; ++i) {
    switch (sqlite3_column_type(statement, i)) {
      case SQLITE_INTEGER:
        cells.emplace_back(static_cast<std::int64_t>(sqlite3_column_int64(statement, i)));
        break;
      case SQLITE_FLOAT:
        cells.emplace_back(sqlite3_column_double(statement, i));
        break;
      case SQLITE_NULL:
        cells.emplace_back(nullptr);
        break;
      default: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
        cells.emplace_back(bytes == nullptr ? std::string() : std::string(bytes, size));
      }
    }
  }
  return Row(std::move(cells));
}

}  // namespace

Result<void> Connection::Inside::step(std::string_view sql, const std::vector<Cell>& values,
                                      const std::function<bool(const Row&)>* each) {
  auto found = statements.find(sql);
  sqlite3_stmt* statement = nullptr;
  Kept* kept = nullptr;
  if (found != statements.end() && !found->second.in_use) {
    kept = &found->second;
    statement = kept->statement;
  } else {
    const bool keep = found == statements.end() && statements.size() < kept_statements;
    if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), keep ? SQLITE_PREPARE_PERSISTENT : 0,
                           &statement, nullptr) != SQLITE_OK) {
      return error("preparing \"" + std::string(sql) + "\"");
    }
    CHECK(statement != nullptr, "an empty statement was given");
    if (keep) {
      kept = &statements[std::string(sql)];
      kept->statement = statement;
    }
  }
  const Use use(statement, kept);
  CHECK(sqlite3_bind_parameter_count(statement) == static_cast<int>(values.size()),
        "a statement has another number of ? than values were given");
  for (std::size_t i = 0; i < values.size(); ++i) bind(statement, static_cast<int>(i) + 1, values[i]);
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return error("running \"" + std::string(sql.substr(0, 60)) + "\"");
    if (each != nullptr && !(*each)(read_row(statement))) return {};
  }
}

Connection::Connection(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, bool durable) {
  const bool in_memory = path == ":memory:";
  if (!in_memory) {
    // Made by us and not by SQLite, so that it never exists with another mode. The -wal and -shm files take the mode
    // of this one.
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.is_open()) return system_error(errno, "opening database " + path);
  }
  auto inside = std::make_unique<Inside>();
  inside->path = path;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (in_memory ? SQLITE_OPEN_CREATE : 0);
  if (sqlite3_open_v2(path.c_str(), &inside->db, flags, nullptr) != SQLITE_OK) {
    if (inside->db == nullptr) return internal("opening database " + path + ": out of memory");
    return inside->error("opening");
  }
  sqlite3_extended_result_codes(inside->db, 1);
  sqlite3_busy_timeout(inside->db, 5000);
  TRY(inside->run_script("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY"));
  TRY(inside->run_script(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  return std::unique_ptr<Connection>(new Connection(std::move(inside)));
}

Result<std::vector<Row>> Connection::query(std::string_view sql, std::vector<Cell> values) {
  std::vector<Row> rows;
  const std::function<bool(const Row&)> keep = [&rows](const Row& row) {
    rows.push_back(row);
    return true;
  };
  TRY(inside_->step(sql, values, &keep));
  return rows;
}

Result<void> Connection::for_each(std::string_view sql, std::vector<Cell> values,
                                  const std::function<bool(const Row&)>& each) {
  return inside_->step(sql, values, &each);
}

Result<std::int64_t> Connection::execute(std::string_view sql, std::vector<Cell> values) {
  // total_changes would count rows of triggers and foreign keys as well; changes() keeps the number of an earlier
  // statement when this one is no INSERT, UPDATE or DELETE.
  const std::int64_t before = sqlite3_total_changes64(inside_->db);
  TRY(inside_->step(sql, values, nullptr));
  return sqlite3_total_changes64(inside_->db) == before ? 0 : sqlite3_changes64(inside_->db);
}

std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(inside_->db); }

Result<void> Connection::transaction(const std::function<Result<void>()>& work) {
  CHECK(!inside_->in_transaction, "transactions do not nest");
  TRY(inside_->step("BEGIN IMMEDIATE", {}, nullptr));
  inside_->in_transaction = true;
  Result<void> result = work();
  if (result.has_value()) result = inside_->step("COMMIT", {}, nullptr);
  inside_->in_transaction = false;
  // A full disk may have rolled the transaction back already.
  if (!result.has_value() && sqlite3_get_autocommit(inside_->db) == 0) {
    ignore(inside_->step("ROLLBACK", {}, nullptr), "the first error is the one to tell");
  }
  return result;
}

Result<void> Connection::migrate(std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    CHECK(migrations[i].version == static_cast<int>(i) + 1, "migrations are numbered 1, 2, 3 ...");
  }
  const std::vector<Row> rows = TRY(query("PRAGMA user_version"));
  const std::int64_t have = rows.at(0).integer(0);
  const auto newest = static_cast<std::int64_t>(migrations.size());
  if (have > newest) {
    return invalid("database " + inside_->path + " is of a newer version (" + std::to_string(have) +
                   ", this program knows " + std::to_string(newest) + "); start the newer program again");
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= have) continue;
    auto applied = transaction([&]() -> Result<void> {
      TRY(inside_->run_script(migration.sql));
      return inside_->run_script("PRAGMA user_version = " + std::to_string(migration.version));
    });
    if (!applied.has_value()) {
      return applied.error().at("migration " + std::to_string(migration.version) + " (" + migration.name + ")");
    }
  }
  return {};
}

}  // namespace muster::sql
