// What only the embedded store does: its file, its faults, its limits. What both homes do is in tests/contract.
#include "kube/local/store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/temporary_folder.h"
#include "base/threads.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "kube/reflector.h"
#include "sql/connection.h"

using namespace muster;
using kube::Event;
using kube::Key;
using kube::LocalApi;
namespace kinds = kube::kinds;

namespace {

std::unique_ptr<LocalApi> opened(const std::string& path) {
  auto api = LocalApi::open({.path = path});
  REQUIRE_MESSAGE(api.has_value(), (api.has_value() ? "" : api.error().text));
  return std::move(*api);
}

json::Value config_map(const std::string& name, const std::string& value = "v") {
  return json::Object{{"metadata", json::Object{{"name", name}, {"namespace", "default"}}},
                      {"data", json::Object{{"k", value}}}};
}

json::Value value_patch(const std::string& value) { return json::Object{{"data", json::Object{{"k", value}}}}; }

std::int64_t version_of(const json::Value& object) { return std::stoll(kube::resource_version_of(object)); }

bool eventually(const std::function<bool()>& holds) {
  const Deadline deadline = Deadline::in(seconds(10));
  while (!holds()) {
    if (deadline.passed()) return false;
    sleep_until({}, Deadline::in(milliseconds(10)));
  }
  return true;
}

// Creates objects until it is killed; the name of each acknowledged one goes down the pipe.
[[noreturn]] void write_until_killed(const std::string& path, int pipe) {
  auto api = LocalApi::open({.path = path});
  if (!api.has_value()) ::_exit(2);
  const std::string mine = std::to_string(::getpid());
  for (int i = 0; i < 1'000'000; ++i) {
    const std::string name = "w-" + mine + "-" + std::to_string(i);
    if (!(*api)->create(kinds::config_map, config_map(name, name)).has_value()) ::_exit(3);
    const std::string line = name + "\n";
    if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(4);
  }
  ::_exit(5);
}

// Starts such a writer, kills it `ms` after its first word, and returns what it had acknowledged.
std::vector<std::string> acknowledged_before_kill(const std::string& path, int ms) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) write_until_killed(path, ends[1]);
  ::close(ends[1]);
  std::string all;
  char buffer[4096];
  const ssize_t first = ::read(ends[0], buffer, sizeof buffer);
  REQUIRE(first > 0);
  all.append(buffer, static_cast<std::size_t>(first));
  std::thread killer([&] {
    sleep_until({}, Deadline::in(milliseconds(ms)));
    ::kill(pid, SIGKILL);
  });
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<std::size_t>(n));
  killer.join();
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  CHECK(WIFSIGNALED(status));
  std::vector<std::string> names;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1) {
    names.push_back(all.substr(begin, end - begin));
  }
  return names;
}

}  // namespace

TEST_CASE("objects, their versions and registered kinds are there after a restart") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/cluster.db";
  json::Value object, queue;
  {
    const auto api = opened(path);
    REQUIRE(api->create(kinds::config_map, config_map("a")).has_value());
    object = api->patch(kinds::config_map, {"default", "a"}, value_patch("w")).value();
    queue = api->create(kinds::queue, json::Object{{"metadata", json::Object{{"name", "q"}}},
                                                   {"spec", json::Object{{"resources", json::Object{}}}}})
                .value();
    REQUIRE(api->create(kinds::config_map, config_map("gone")).has_value());
    REQUIRE(api->remove(kinds::config_map, {"default", "gone"}, {}).has_value());
  }
  const auto api = opened(path);
  CHECK(api->get(kinds::config_map, {"default", "a"}).value() == object);
  CHECK(api->get(kinds::queue, {"", "q"}).value() == queue);
  CHECK(api->get(kinds::config_map, {"default", "gone"}).error().kind == ErrorKind::NotFound);
  struct stat seen{};
  REQUIRE(::stat(path.c_str(), &seen) == 0);
  CHECK((seen.st_mode & 0777) == 0600);
}

TEST_CASE("no resourceVersion is handed out twice, not even after deletions and a restart") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/cluster.db";
  std::int64_t last = 0;
  for (int run = 0; run < 3; ++run) {
    const auto api = opened(path);
    const std::string listed = api->list(kinds::config_map, {}).value().resource_version;
    CHECK(std::stoll(listed) >= last);
    for (int i = 0; i < 5; ++i) {
      const std::int64_t version = version_of(api->create(kinds::config_map, config_map("a")).value());
      CHECK(version > last);
      last = version;
      REQUIRE(api->remove(kinds::config_map, {"default", "a"}, {}).has_value());
    }
  }
}

TEST_CASE("a watch cannot resume across a restart with changes, and is told to list again") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/cluster.db";
  std::string version;
  {
    const auto api = opened(path);
    version = kube::resource_version_of(api->create(kinds::config_map, config_map("a")).value());
  }
  const auto api = opened(path);
  auto watch = api->watch(kinds::config_map, {.resource_version = version}).value();
  const auto event = watch->next(Deadline::in(seconds(5)));
  REQUIRE_FALSE(event.has_value());
  CHECK(http_status(event.error()) == 410);
}

TEST_CASE("SIGKILL in the middle of writes keeps every acknowledged one") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/cluster.db";
  std::vector<std::string> acknowledged;
  for (const int ms : {20, 60, 150}) {
    const auto more = acknowledged_before_kill(path, ms);
    acknowledged.insert(acknowledged.end(), more.begin(), more.end());
  }
  const auto api = opened(path);
  std::set<std::string> there;
  const kube::List list = api->list(kinds::config_map, {}).value();
  for (const json::Value& object : list.items) {
    there.insert(kube::name_of(object));
    CHECK(json::text_or(object, "/data/k") == kube::name_of(object));
  }
  CHECK(acknowledged.size() > 10);
  std::size_t lost = 0;
  for (const std::string& name : acknowledged) lost += there.contains(name) ? 0 : 1;
  CHECK(lost == 0);
  // A writer may have been killed between its commit and its word.
  CHECK(there.size() <= acknowledged.size() + 3);
}

TEST_CASE("deletions that a kill cuts short are finished after the restart") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/cluster.db";
  json::Value owner;
  {
    const auto api = opened(path);
    owner = api->create(kinds::config_map, config_map("owner")).value();
    json::Value child = config_map("child");
    json::set_at(child, "/metadata/ownerReferences", json::Array{kube::owner_reference(owner)});
    REQUIRE(api->create(kinds::config_map, child).has_value());
  }
  {
    // As if the process had ended between the owner's removal and its dependents'.
    auto file = std::move(*sql::Connection::open(path));
    REQUIRE(file->execute("DELETE FROM object WHERE path = 'default/owner'").value() == 1);
  }
  const auto api = opened(path);
  CHECK(eventually([&] { return !api->get(kinds::config_map, {"default", "child"}).has_value(); }));
}

TEST_CASE("a file of a newer version is refused and left alone") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/cluster.db";
  {
    opened(path);
  }
  {
    auto file = std::move(*sql::Connection::open(path));
    REQUIRE(file->query("PRAGMA user_version = 99").has_value());
  }
  const auto refused = LocalApi::open({.path = path});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::Invalid);
  CHECK(refused.error().text.find("newer") != std::string::npos);
}

TEST_CASE("a full disk refuses writes and says so; reads go on, and writes when space returns") {
  const TemporaryFolder folder;
  if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=3m") != 0) {
    MESSAGE("SKIPPED: a small tmpfs needs root");
    return;
  }
  {
    const auto api = opened(folder.path() + "/cluster.db");
    Result<json::Value> result = json::Value();
    int written = 0;
    for (; written < 10'000 && result.has_value(); ++written) {
      result = api->create(kinds::config_map, config_map("c-" + std::to_string(written), std::string(4000, 'x')));
    }
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::Internal);
    CHECK(result.error().text.find("space") != std::string::npos);
    CHECK(api->list(kinds::config_map, {}).value().items.size() == static_cast<std::size_t>(written - 1));
    CHECK(api->get(kinds::config_map, {"default", "c-0"}).has_value());
    REQUIRE(::mount("none", folder.path().c_str(), "tmpfs", MS_REMOUNT, "size=16m") == 0);
    CHECK(api->create(kinds::config_map, config_map("after")).has_value());
  }
  {
    const auto api = opened(folder.path() + "/cluster.db");
    CHECK(api->get(kinds::config_map, {"default", "after"}).has_value());
  }
  ::umount2(folder.path().c_str(), MNT_DETACH);
}

TEST_CASE("fault switches: every n-th write conflicts, and a reflector survives lost watches and compaction") {
  const auto api = opened(":memory:");
  std::map<std::string, std::string> mirror;
  Mutex mutex;
  const kube::Reflector reflector(*api, kinds::config_map, {.ns = "default"}, [&](const kube::Change& change) {
    const Lock lock(mutex);
    if (change.type == kube::Change::Type::Upsert) {
      mirror[kube::name_of(change.object)] = json::text_or(change.object, "/data/k");
    }
    if (change.type == kube::Change::Type::Remove) mirror.erase(kube::name_of(change.object));
  });
  api->set_faults({.conflict_every = 3, .lose_watch_every = 4});
  int conflicts = 0;
  std::map<std::string, std::string> wanted;
  for (int i = 0; i < 120; ++i) {
    const std::string name = "c-" + std::to_string(i % 10);
    const std::string value = std::to_string(i);
    if (i % 50 == 25) api->set_faults({.conflict_every = 3, .lose_watch_every = 4, .compact = true});
    while (true) {
      Result<void> done;
      if (i % 7 == 6) {
        done = api->remove(kinds::config_map, {"default", name}, {});
        if (!done.has_value() && done.error().kind == ErrorKind::NotFound) break;
        if (done.has_value()) wanted.erase(name);
      } else if (wanted.contains(name)) {
        const auto patched = api->patch(kinds::config_map, {"default", name}, value_patch(value));
        if (!patched.has_value()) done = patched.error();
      } else {
        const auto created = api->create(kinds::config_map, config_map(name, value));
        if (!created.has_value()) done = created.error();
      }
      if (done.has_value()) {
        if (i % 7 != 6) wanted[name] = value;
        break;
      }
      REQUIRE(done.error().kind == ErrorKind::Conflict);
      ++conflicts;
    }
  }
  CHECK(conflicts > 30);
  api->set_faults({});
  CHECK(eventually([&] {
    const Lock lock(mutex);
    return mirror == wanted;
  }));
}

TEST_CASE("fault switches: a compacted history sends resuming watches and old pages back to a list") {
  const auto api = opened(":memory:");
  const std::string version = kube::resource_version_of(api->create(kinds::config_map, config_map("a")).value());
  REQUIRE(api->create(kinds::config_map, config_map("b")).has_value());
  const auto page = api->list(kinds::config_map, {.limit = 1}).value();
  const auto running = api->watch(kinds::config_map, {.resource_version = version}).value();
  REQUIRE(api->create(kinds::config_map, config_map("c")).has_value());
  api->set_faults({.compact = true});
  CHECK(http_status(running->next(Deadline::in(seconds(1))).error()) == 410);
  const auto resumed = api->watch(kinds::config_map, {.resource_version = version}).value();
  CHECK(http_status(resumed->next(Deadline::in(seconds(1))).error()) == 410);
  CHECK(http_status(api->list(kinds::config_map, {.limit = 1, .continue_token = page.continue_token}).error()) == 410);
  api->set_faults({.delay_ms = 30});
  const std::int64_t before = system_clock().monotonic_ms();
  CHECK(api->get(kinds::config_map, {"default", "a"}).has_value());
  CHECK(system_clock().monotonic_ms() - before >= 30);
}

TEST_CASE("a watch that falls far behind is told 410 and costs no memory meanwhile") {
  const auto api = opened(":memory:");
  REQUIRE(api->create(kinds::config_map, config_map("a")).has_value());
  const auto slow = api->watch(kinds::config_map, {.ns = "default"}).value();
  const auto quick = api->watch(kinds::config_map, {.ns = "default"}).value();
  int seen = 0;
  for (int i = 0; i < 6000; ++i) {
    REQUIRE(api->patch(kinds::config_map, {"default", "a"}, value_patch(std::to_string(i))).has_value());
    if (i % 1000 == 999) {
      while (quick->next(Deadline::in(milliseconds(0))).value().has_value()) ++seen;
    }
  }
  CHECK(seen == 6001);
  CHECK(slow->next(Deadline::in(seconds(1))).value()->type == Event::Type::Added);
  CHECK(http_status(slow->next(Deadline::in(seconds(1))).error()) == 410);
}

TEST_CASE("writers from many threads lose no update and every watch sees each once, in order") {
  const auto api = opened(":memory:");
  REQUIRE(api->create(kinds::config_map, config_map("sum", "0")).has_value());
  const auto watch = api->watch(kinds::config_map, {.ns = "default"}).value();
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 100;) {
        json::Value object = api->get(kinds::config_map, {"default", "sum"}).value();
        const int now = std::stoi(json::text_or(object, "/data/k"));
        json::set_at(object, "/data/k", json::Value(std::to_string(now + 1)));
        const auto written = api->update(kinds::config_map, object);
        if (written.has_value()) ++i;
        else CHECK(written.error().kind == ErrorKind::Conflict);
      }
    });
  }
  for (int expected = 0; expected <= 400; ++expected) {
    const auto event = watch->next(Deadline::in(seconds(20)));
    REQUIRE(event.has_value());
    REQUIRE(event->has_value());
    CHECK(json::text_or((*event)->object, "/data/k") == std::to_string(expected));
  }
  for (std::thread& writer : writers) writer.join();
}

TEST_CASE("watches end when the store is closed, and outlive it safely") {
  auto api = opened(":memory:");
  const auto watch = api->watch(kinds::pod, {}).value();
  std::thread closer([&] {
    sleep_until({}, Deadline::in(milliseconds(50)));
    api.reset();
  });
  const auto ended = watch->next(Deadline::in(seconds(10)));
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().kind == ErrorKind::Unavailable);
  closer.join();
  CHECK_FALSE(watch->next(Deadline::in(seconds(1))).has_value());
}

TEST_CASE("an object that is too large is refused") {
  const auto api = opened(":memory:");
  const auto refused = api->create(kinds::config_map, config_map("a", std::string(2 << 20, 'x')));
  REQUIRE_FALSE(refused.has_value());
  CHECK(http_status(refused.error()) == 413);
  CHECK_FALSE(api->get(kinds::config_map, {"default", "a"}).has_value());
}

TEST_CASE("a bookmark keeps a quiet watch's place fresh") {
  const auto api = opened(":memory:");
  const auto watch = api->watch(kinds::secret, {.timeout_seconds = 3}).value();
  const json::Value other = api->create(kinds::config_map, config_map("a")).value();
  const auto event = watch->next(Deadline::in(seconds(10)));
  REQUIRE(event.has_value());
  REQUIRE(event->has_value());
  CHECK((*event)->type == Event::Type::Bookmark);
  CHECK(version_of((*event)->object) >= version_of(other));
}
