#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/ids.h"
#include "base/text.h"
#include "node/run/folder.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

using testing::count_marked;
using testing::order_of;
using testing::output_of;
using testing::start_shim;
using testing::TemporaryFolder;
using testing::wait_for_exit;
using testing::wait_until;

struct Run {
  explicit Run(const std::string& script, void (*change)(RunOrder&) = nullptr)
      : uid(new_uuid()), folder(temporary.path()) {
    order = order_of(uid, script);
    if (change != nullptr) change(order);
    REQUIRE(folder.write(order).has_value());
  }
  TemporaryFolder temporary;
  std::string uid;
  RunFolder folder;
  RunOrder order;
};

TEST_CASE("a run keeps its exit code, its times and all it printed in the order in which it was printed") {
  Run run("echo one; echo two >&2; echo three; exit 7");
  start_shim(run.folder);
  const ExitRecord end = wait_for_exit(run.folder);
  CHECK(end.exit_code == 7);
  CHECK(end.signal == 0);
  CHECK(end.reason == "Error");
  CHECK(parse_rfc3339(end.started_at).has_value());
  CHECK(*parse_rfc3339(end.started_at) <= *parse_rfc3339(end.ended_at));
  CHECK(output_of(run.folder) == "one\ntwo\nthree\n");
}

TEST_CASE("a run that succeeds says Completed") {
  Run run("true");
  start_shim(run.folder);
  CHECK(wait_for_exit(run.folder).reason == "Completed");
}

TEST_CASE("a run killed by a signal ends with 128 + n") {
  Run run("kill -SEGV $$");
  start_shim(run.folder);
  const ExitRecord end = wait_for_exit(run.folder);
  CHECK(end.exit_code == 139);
  CHECK(end.signal == SIGSEGV);
}

TEST_CASE("a program that is missing ends with 127, one that may not be run with 126, and the log says why") {
  Run missing("", [](RunOrder& order) { order.argv = {"no-such-program", "x"}; });
  start_shim(missing.folder);
  ExitRecord end = wait_for_exit(missing.folder);
  CHECK(end.exit_code == 127);
  CHECK(end.reason == "ContainerCannotRun");
  CHECK(output_of(missing.folder) == "muster: cannot run no-such-program: not found\n");

  Run forbidden("", [](RunOrder& order) { order.argv = {"/etc/passwd"}; });
  start_shim(forbidden.folder);
  end = wait_for_exit(forbidden.folder);
  CHECK(end.exit_code == 126);
  CHECK(output_of(forbidden.folder).find("permission denied") != std::string::npos);

  Run nowhere("true", [](RunOrder& order) { order.working_folder = "/no/such/folder"; });
  start_shim(nowhere.folder);
  end = wait_for_exit(nowhere.folder);
  CHECK(end.exit_code == 126);
  CHECK(end.message.find("/no/such/folder") != std::string::npos);
}

TEST_CASE("a job sees nothing of its parents: descriptors, signals, terminal, mask") {
  Run run(
      "ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0; umask; grep -E 'NoNewPrivs|SigIgn|SigBlk' "
      "/proc/self/status | tr -s '\\t\\n' ' '; ps -o tty= -p $$; echo pid $$ sid $(ps -o sid= -p $$)");
  start_shim(run.folder);
  wait_for_exit(run.folder);
  const std::string output = output_of(run.folder);
  // 3 is ls reading the folder.
  CHECK(output.find("0 1 2 3 /dev/null\n") == 0);
  CHECK(output.find("0077\n") != std::string::npos);
  CHECK(output.find("NoNewPrivs: 1") != std::string::npos);
  CHECK(output.find("SigBlk: 0000000000000000") != std::string::npos);
  CAPTURE(output);
  CHECK(output.find("SigIgn: 0000000000000000") != std::string::npos);
  CHECK(output.find("?\n") != std::string::npos);
}

TEST_CASE("ten megabytes of output are whole") {
  Run run("i=0; while [ $i -lt 10 ]; do head -c 1000000 /dev/zero | tr '\\0' x; i=$((i+1)); done; echo end");
  start_shim(run.folder);
  wait_for_exit(run.folder);
  const std::string output = output_of(run.folder);
  CHECK(output.size() == 10'000'004);
  CHECK(output.ends_with("xend\n"));
}

TEST_CASE("output beyond the kept segments drops the oldest first") {
  Run run("seq 1 20000", [](RunOrder& order) {
    order.segment_bytes = 16384;
    order.segments = 3;
  });
  start_shim(run.folder);
  wait_for_exit(run.folder);
  CHECK(run.folder.segments().size() == 3);
  CHECK(output_of(run.folder).ends_with("19999\n20000\n"));
}

TEST_CASE("what a job leaves running is ended with it, also what has left its session") {
  Run run("(setsid sleep 1000 &) ; (setsid sh -c 'trap \"\" TERM HUP; sleep 1000' &); sleep 0.2; exit 0");
  start_shim(run.folder);
  CHECK(wait_for_exit(run.folder).exit_code == 0);
  CHECK(count_marked(run.uid) == 0);
}

TEST_CASE("a stop is a TERM, and a job that obeys keeps its own exit code") {
  Run run("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done");
  const pid_t shim = start_shim(run.folder);
  REQUIRE(wait_until([&] { return output_of(run.folder) == "ready\n"; }));
  REQUIRE(run.folder.write(StopRecord{.grace_ms = 10'000}).has_value());
  ::kill(shim, SIGTERM);
  CHECK(wait_for_exit(run.folder).exit_code == 3);
  CHECK(output_of(run.folder).ends_with("bye\n"));
}

TEST_CASE("a job that ignores TERM is killed when its grace is over, and a later stop may shorten the grace") {
  Run run("trap '' TERM; echo ready; while :; do sleep 0.05; done");
  const pid_t shim = start_shim(run.folder);
  REQUIRE(wait_until([&] { return output_of(run.folder) == "ready\n"; }));
  REQUIRE(run.folder.write(StopRecord{.grace_ms = 600'000}).has_value());
  ::kill(shim, SIGTERM);
  ::usleep(50'000);
  REQUIRE(run.folder.write(StopRecord{.grace_ms = 100}).has_value());
  ::kill(shim, SIGTERM);
  const ExitRecord end = wait_for_exit(run.folder);
  CHECK(end.exit_code == 137);
  CHECK(count_marked(run.uid) == 0);
}

TEST_CASE("many shims for one run start it once") {
  TemporaryFolder effects;
  for (int round = 0; round < 10; ++round) {
    Run run("echo line >> " + effects.path() + "/file; sleep 0.05");
    for (int i = 0; i < 6; ++i) start_shim(run.folder);
    wait_for_exit(run.folder);
    REQUIRE(wait_until([&] { return count_marked(run.uid) == 0; }));
    start_shim(run.folder);
    ::usleep(10'000);
  }
  const std::string lines = read_file(effects.path() + "/file").value_or("");
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 10);
}

TEST_CASE("a job dies with its shim, and what has left its session is found by its mark") {
  Run run("setsid sleep 1000 & sleep 1000");
  const pid_t shim = start_shim(run.folder);
  REQUIRE(wait_until([&] { return count_marked(run.uid) == 3 || count_marked(run.uid) == 2; }));
  ::usleep(50'000);
  ::kill(shim, SIGKILL);
  REQUIRE(wait_until([&] { return !run.folder.is_locked(); }));
  CHECK(!run.folder.has_exit());
  kill_marked(run_marker(run.uid), {});
  CHECK(count_marked(run.uid) == 0);
}

TEST_CASE("an environment may not name the run of another: only its own processes are found") {
  Run run("sleep 1000");
  const pid_t shim = start_shim(run.folder);
  REQUIRE(wait_until([&] { return run.folder.start().has_value(); }));
  CHECK(kill_marked(run_marker(new_uuid()), {}) == 0);
  CHECK(count_marked(run.uid) >= 1);
  ::kill(shim, SIGTERM);
  CHECK(wait_for_exit(run.folder).exit_code == 143);
}

TEST_CASE("a process number that was given out again is never taken for the old process") {
  ProcessIdentity other = identity_of(::getpid());
  CHECK(open_process(other).is_open());
  other.start_ticks += 1;
  CHECK(!open_process(other).is_open());
  other = identity_of(::getpid());
  other.boot_id = "another boot";
  CHECK(!open_process(other).is_open());
  CHECK(!open_process({.pid = 0, .start_ticks = 0, .boot_id = boot_id()}).is_open());
  CHECK(!open_process({.pid = -1, .start_ticks = 0, .boot_id = boot_id()}).is_open());
}

TEST_CASE("in root mode a job is the submitter: account, groups, and folders opened as that account") {
  if (!testing::is_root()) {
    MESSAGE("SKIPPED: needs root");
    return;
  }
  const auto as_nobody = [](RunOrder& order) {
    order.switch_user = true;
    order.uid = 65534;
    order.gid = 65534;
    order.groups = {65534, 100};
  };
  Run run("id -u; id -g; id -G; echo again > /dev/stdout; cat /etc/shadow || echo refused", as_nobody);
  start_shim(run.folder);
  wait_for_exit(run.folder);
  const std::string output = output_of(run.folder);
  CHECK(output.find("65534\n65534\n65534 100\nagain\n") == 0);
  CHECK(output.ends_with("refused\n"));

  // The folder of a run is root's own, 0700: as a working folder it is refused to the submitter.
  Run closed("true", [](RunOrder& order) {
    order.switch_user = true;
    order.uid = order.gid = 65534;
    order.working_folder = "/root";
  });
  start_shim(closed.folder);
  CHECK(wait_for_exit(closed.folder).exit_code == 126);
}

}  // namespace
}  // namespace muster::node
