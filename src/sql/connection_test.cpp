#include "sql/connection.h"

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/file.h"

using muster::ErrorKind;
using muster::Result;
using muster::sql::Connection;
using muster::sql::Migration;
using muster::sql::Row;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/muster-sql-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    for (const char* suffix : {"db", "db-wal", "db-shm"}) ::unlink((path + "/" + suffix).c_str());
    ::rmdir(path.c_str());
  }
  std::string file() const { return path + "/db"; }
};

std::unique_ptr<Connection> open_with_table(const std::string& path) {
  auto made = Connection::open(path);
  REQUIRE(made.has_value());
  REQUIRE(
      (*made)
          ->execute("CREATE TABLE IF NOT EXISTS pet (name TEXT PRIMARY KEY, legs INTEGER NOT NULL, weight REAL) STRICT")
          .has_value());
  return std::move(*made);
}

}  // namespace

TEST_CASE("values come back as they were bound, null included") {
  auto db = open_with_table(":memory:");
  CHECK(db->execute("INSERT INTO pet VALUES (?, ?, ?)", {"a\0b", std::int64_t{4}, 2.5}).value() == 1);
  CHECK(db->execute("INSERT INTO pet VALUES (?, ?, ?)", {std::string("x\0y", 3), std::int64_t{0}, nullptr}).value() ==
        1);
  const auto rows = db->query("SELECT name, legs, weight FROM pet ORDER BY rowid").value();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].text(0) == "a");
  CHECK(rows[0].integer(1) == 4);
  CHECK(rows[0].real(2) == 2.5);
  CHECK(rows[1].text(0) == std::string("x\0y", 3));
  CHECK(rows[1].is_null(2));
  CHECK(rows[1].integer(2) == 0);
  CHECK(rows[1].text(2).empty());
  CHECK(db->last_insert_id() == 2);
}

TEST_CASE("execute tells how many rows it changed, 0 for none and for other statements") {
  auto db = open_with_table(":memory:");
  for (const char* name : {"a", "b", "c"}) {
    REQUIRE(db->execute("INSERT INTO pet VALUES (?, 4, NULL)", {name}).has_value());
  }
  CHECK(db->execute("UPDATE pet SET legs = 3 WHERE name < 'c'").value() == 2);
  CHECK(db->execute("UPDATE pet SET legs = 3 WHERE name = 'z'").value() == 0);
  CHECK(db->execute("CREATE TABLE other (x INTEGER) STRICT").value() == 0);
}

TEST_CASE("a second row with the same unique value is a conflict, another broken rule is invalid") {
  auto db = open_with_table(":memory:");
  REQUIRE(db->execute("INSERT INTO pet VALUES ('cat', 4, NULL)").has_value());
  CHECK(db->execute("INSERT INTO pet VALUES ('cat', 4, NULL)").error().kind == ErrorKind::Conflict);
  CHECK(db->execute("INSERT INTO pet VALUES ('dog', NULL, NULL)").error().kind == ErrorKind::Invalid);
  CHECK(db->execute("INSERT INTO nowhere VALUES (1)").error().kind == ErrorKind::Internal);
}

TEST_CASE("a transaction keeps all or nothing") {
  auto db = open_with_table(":memory:");
  const auto failed = db->transaction([&]() -> Result<void> {
    TRY(db->execute("INSERT INTO pet VALUES ('cat', 4, NULL)"));
    TRY(db->execute("INSERT INTO pet VALUES ('cat', 4, NULL)"));
    return {};
  });
  CHECK(failed.error().kind == ErrorKind::Conflict);
  CHECK(db->query("SELECT * FROM pet").value().empty());
  CHECK(db->transaction([&]() -> Result<void> {
            TRY(db->execute("INSERT INTO pet VALUES ('cat', 4, NULL)"));
            return {};
          }).has_value());
  CHECK(db->query("SELECT * FROM pet").value().size() == 1);
}

TEST_CASE("for_each stops when told and may run the same statement inside itself") {
  auto db = open_with_table(":memory:");
  for (const char* name : {"a", "b", "c"}) {
    REQUIRE(db->execute("INSERT INTO pet VALUES (?, 4, NULL)", {name}).has_value());
  }
  int outer = 0, inner = 0;
  const std::string_view all = "SELECT name FROM pet";
  REQUIRE(db->for_each(all, {}, [&](const Row&) {
              ++outer;
              CHECK(db->for_each(all, {}, [&](const Row&) { return ++inner > 0; }).has_value());
              return outer < 2;
            }).has_value());
  CHECK(outer == 2);
  CHECK(inner == 6);
  CHECK(db->query(all).value().size() == 3);
}

TEST_CASE("the database and its write-ahead log are readable by their owner only") {
  const Folder folder;
  const mode_t before = ::umask(0);
  auto db = open_with_table(folder.file());
  ::umask(before);
  REQUIRE(db->execute("INSERT INTO pet VALUES ('cat', 4, NULL)").has_value());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat seen{};
    REQUIRE(::stat((folder.file() + suffix).c_str(), &seen) == 0);
    CHECK((seen.st_mode & 0777) == 0600);
  }
}

TEST_CASE("migrations are applied once and in order, and a newer file is refused") {
  const Folder folder;
  const std::vector<Migration> first = {
      {1, "pets", "CREATE TABLE pet (name TEXT) STRICT; INSERT INTO pet VALUES ('a')"}};
  std::vector<Migration> second = first;
  second.push_back({2, "legs", "ALTER TABLE pet ADD COLUMN legs INTEGER NOT NULL DEFAULT 4"});
  CHECK((*Connection::open(folder.file()))->migrate(first).has_value());
  {
    auto db = std::move(*Connection::open(folder.file()));
    CHECK(db->migrate(second).has_value());
    CHECK(db->migrate(second).has_value());
    CHECK(db->query("SELECT legs FROM pet").value().at(0).integer(0) == 4);
  }
  const auto refused = (*Connection::open(folder.file()))->migrate(first);
  CHECK(refused.error().kind == ErrorKind::Invalid);
  CHECK(refused.error().text.find("newer") != std::string::npos);
}

TEST_CASE("a migration that fails leaves the file as it was") {
  const Folder folder;
  auto db = std::move(*Connection::open(folder.file()));
  const std::vector<Migration> broken = {{1, "half", "CREATE TABLE pet (name TEXT) STRICT; CREATE TABLE pet (x TEXT)"}};
  CHECK_FALSE(db->migrate(broken).has_value());
  CHECK(db->query("SELECT * FROM sqlite_schema").value().empty());
  CHECK(db->query("PRAGMA user_version").value().at(0).integer(0) == 0);
}

TEST_CASE("two connections wait for each other's transactions") {
  const Folder folder;
  auto one = open_with_table(folder.file());
  std::thread other([&] {
    auto two = std::move(*Connection::open(folder.file()));
    for (int i = 0; i < 50; ++i) {
      CHECK(two->execute("INSERT INTO pet VALUES (?, 4, NULL)", {"two-" + std::to_string(i)}).has_value());
    }
  });
  for (int i = 0; i < 50; ++i) {
    CHECK(one->execute("INSERT INTO pet VALUES (?, 4, NULL)", {"one-" + std::to_string(i)}).has_value());
  }
  other.join();
  CHECK(one->query("SELECT count(*) FROM pet").value().at(0).integer(0) == 100);
}

TEST_CASE("a file that is no database and a missing folder are told apart by their texts") {
  const Folder folder;
  REQUIRE(muster::write_file_atomic(folder.file(), std::string(4096, 'x'), 0600).has_value());
  const auto text = Connection::open(folder.file());
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().text.find("not a database") != std::string::npos);
  CHECK(Connection::open(folder.path + "/none/db").error().kind == ErrorKind::NotFound);
}

TEST_CASE("a full disk says so, and writing goes on when space returns") {
  const Folder folder;
  if (::mount("none", folder.path.c_str(), "tmpfs", 0, "size=512k") != 0) {
    MESSAGE("SKIPPED: a small tmpfs needs root");
    return;
  }
  {
    auto db = open_with_table(folder.file());
    Result<std::int64_t> result = 0;
    int written = 0;
    for (; written < 100'000 && result.has_value(); ++written) {
      result = db->execute("INSERT INTO pet VALUES (?, 4, NULL)", {std::to_string(written) + std::string(1000, 'p')});
    }
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::Internal);
    CHECK(result.error().text.find("space") != std::string::npos);
    CHECK(db->query("SELECT count(*) FROM pet").value().at(0).integer(0) == written - 1);
    REQUIRE(::mount("none", folder.path.c_str(), "tmpfs", MS_REMOUNT, "size=8m") == 0);
    CHECK(db->execute("INSERT INTO pet VALUES ('after', 4, NULL)").has_value());
  }
  ::umount2(folder.path.c_str(), MNT_DETACH);
}
