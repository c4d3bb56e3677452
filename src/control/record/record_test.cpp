#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "control/test_world.h"

using namespace muster;
using namespace muster::control;

TEST_CASE("changes that wait together share commits") {
  TestWorld world;
  const auto before = world.plane->record->counts();
  std::vector<std::jthread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&world, client] {
      for (int i = 0; i < 50; ++i) {
        world.call("POST", "/api/v1/workloads/trainings",
                   TestWorld::training("default", "c" + std::to_string(client) + "-" + std::to_string(i)));
      }
    });
  }
  clients.clear();
  const auto after = world.plane->record->counts();
  CHECK(world.call("GET", "/api/v1/workloads/count").number("/count") == 400);
  CHECK(after.jobs - before.jobs == 400);
  CHECK(after.commits - before.commits < 400);
  // In order, without a gap.
  const auto sent = world.cluster.wait_for(403);
  for (std::size_t i = 1; i < sent.size(); ++i) CHECK(sent[i].sequence == sent[i - 1].sequence + 1);
}

TEST_CASE("a full disk refuses changes with its reason, keeps what was accepted and works again with space") {
  TestWorld world;
  const std::string kept = world.submit("default", "kept");
  std::int64_t pages = 0;
  REQUIRE(world.plane->record
              ->commit([&](sql::Connection& db, Effects&) -> Result<void> {
                pages = TRY(db.query("PRAGMA page_count")).front().integer(0);
                TRY(db.query("PRAGMA max_page_count = " + std::to_string(pages)));
                return {};
              })
              .has_value());
  int refused = 0;
  std::string message;
  for (int i = 0; i < 200; ++i) {
    const Reply reply =
        world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("default", "more-" + std::to_string(i)));
    if (reply.status == 202) continue;
    ++refused;
    CHECK(reply.status == 500);
    message = reply.text("/message");
  }
  CHECK(refused > 0);
  CHECK(message.find("space") != std::string::npos);
  const double accepted = world.call("GET", "/api/v1/workloads/count").number("/count");
  CHECK(accepted == 201 - refused);
  REQUIRE(world.plane->record
              ->commit([&](sql::Connection& db, Effects&) -> Result<void> {
                TRY(db.query("PRAGMA max_page_count = 1000000"));
                return {};
              })
              .has_value());
  world.submit("default", "after");
  world.stop();
  world.start();
  CHECK(world.call("GET", "/api/v1/workloads/count").number("/count") == accepted + 1);
  CHECK(world.call("GET", "/api/v1/workloads/" + kept).status == 200);
}

TEST_CASE("a job that fails leaves its neighbours in the batch alone") {
  TestWorld world;
  std::vector<std::jthread> clients;
  std::atomic<int> made = 0, taken = 0;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const Reply reply = world.call("POST", "/api/v1/workloads/trainings",
                                       TestWorld::training("default", "same-" + std::to_string(i)));
        if (reply.status == 202) ++made;
        if (reply.status == 409) ++taken;
      }
    });
  }
  clients.clear();
  CHECK(made == 20);
  CHECK(taken == 140);
}

TEST_CASE("the database and its folder are the owner's alone") {
  TestWorld world;
  const auto mode = std::filesystem::status(world.options.folder + "/control.db").permissions();
  CHECK((mode & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a database of a newer version is refused") {
  TestWorld world;
  REQUIRE(world.plane->record
              ->commit([](sql::Connection& db, Effects&) -> Result<void> {
                TRY(db.query("PRAGMA user_version = 99"));
                return {};
              })
              .has_value());
  world.stop();
  const auto again = Plane::start(world.options, world.accounts);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().text.find("newer version") != std::string::npos);
  world.plane.reset();
}

TEST_CASE("every submission that was answered before a kill -9 is there afterwards, with its way to the cluster") {
  for (const int kill_after : {1, 37, 150}) {
    const std::string folder = TestWorld::new_folder();
    int answers[2];
    REQUIRE(::pipe(answers) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      TestWorld world(false, 4, folder);
      std::vector<std::jthread> clients;
      for (int client = 0; client < 4; ++client) {
        clients.emplace_back([&world, write_end = answers[1]] {
          while (true) {
            const Reply reply = world.call("POST", "/api/v1/workloads/trainings",
                                           R"({"projectId":"default","spec":{"command":"true"}})");
            const std::string id = reply.text("/workloadId") + "\n";
            if (reply.status == 202 && ::write(write_end, id.data(), id.size()) < 0) return;
          }
        });
      }
      clients.clear();
      ::_exit(0);
    }
    ::close(answers[1]);
    std::string told;
    char buffer[4096];
    while (std::count(told.begin(), told.end(), '\n') < kill_after) {
      const ssize_t n = ::read(answers[0], buffer, sizeof buffer);
      REQUIRE(n > 0);
      told.append(buffer, static_cast<std::size_t>(n));
    }
    ::kill(child, SIGKILL);
    for (ssize_t n = 0; (n = ::read(answers[0], buffer, sizeof buffer)) > 0;) {
      told.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(answers[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    TestWorld world(false, 4, folder);
    std::set<std::string> ids, names;
    for (const Workload* one : world.plane->workloads.live()) {
      ids.insert(one->id);
      CHECK(names.insert(one->name).second);
    }
    std::size_t answered = 0;
    for (const std::string_view id : split(told, '\n')) {
      if (id.empty()) continue;
      ++answered;
      CHECK(ids.contains(std::string(id)));
    }
    CHECK(answered >= static_cast<std::size_t>(kill_after));
    // Pool, department and project stand before them; nothing was applied, so all of it is sent again.
    CHECK(world.cluster.wait_for(ids.size() + 3).size() == ids.size() + 3);
  }
}
