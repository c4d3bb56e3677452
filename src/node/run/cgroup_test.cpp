#include "node/run/cgroup.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ids.h"
#include "base/temporary_folder.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

using testing::count_marked;
using testing::order_of;
using testing::output_of;
using testing::start_shim;
using testing::wait_for_exit;

bool has(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// A run inside the walls of this machine, or nullopt (said loudly) where there are none.
std::optional<RunOrder> walled(const std::string& uid, const std::string& script) {
  const Walls walls = find_walls();
  if (walls.kind != "v1" && walls.kind != "v2") {
    MESSAGE("SKIPPED: no writable cgroups here (", walls.kind, ": ", walls.why_not, ")");
    return std::nullopt;
  }
  RunOrder order = order_of(uid, script);
  order.walls = walls_for_run(walls, uid + "-0");
  return order;
}

const char* const hog = "python3 -c 'b=bytearray(400<<20)\nfor i in range(0,len(b),4096): b[i]=1\nprint(\"survived\")'";

TEST_CASE("a job over its memory limit ends as OOMKilled with 137, and its walls are gone with it") {
  const std::string uid = new_uuid();
  auto order = walled(uid, std::string("exec ") + hog);
  if (!order) return;
  TemporaryFolder temporary;
  const RunFolder folder(temporary.path());
  order->walls.memory_limit = 64 << 20;
  REQUIRE(folder.write(*order).has_value());
  start_shim(folder);
  const ExitRecord end = wait_for_exit(folder);
  CHECK(end.exit_code == 137);
  CHECK(end.signal == SIGKILL);
  CHECK(end.oom_killed);
  CHECK(end.reason == "OOMKilled");
  CHECK(end.message.find("67108864") != std::string::npos);
  CHECK(output_of(folder).find("survived") == std::string::npos);
  CHECK(folder.start()->memory_enforced);
  CHECK(!has(order->walls.memory_folder));
  CHECK(!has(order->walls.cpu_folder));
}

TEST_CASE("a shell whose child runs out of memory reports it as well") {
  const std::string uid = new_uuid();
  auto order = walled(uid, std::string(hog) + "; exit $?");
  if (!order) return;
  TemporaryFolder temporary;
  const RunFolder folder(temporary.path());
  order->walls.memory_limit = 64 << 20;
  REQUIRE(folder.write(*order).has_value());
  start_shim(folder);
  const ExitRecord end = wait_for_exit(folder);
  CHECK(end.exit_code == 137);
  CHECK(end.reason == "OOMKilled");
}

TEST_CASE("a job within its memory limit runs, and its processor limit holds") {
  const std::string uid = new_uuid();
  // Half a core: a busy second of processor time takes about two.
  auto order =
      walled(uid,
             "cat /proc/self/cgroup; python3 -c 'import time\ns=time.time()\nwhile time.process_time()<0.6: pass\n"
             "print(\"took\", time.time()-s > 0.9)'");
  if (!order) return;
  TemporaryFolder temporary;
  const RunFolder folder(temporary.path());
  order->walls.memory_limit = 512 << 20;
  order->walls.cpu_limit = 500;
  order->walls.cpu_request = 250;
  REQUIRE(folder.write(*order).has_value());
  start_shim(folder);
  CHECK(wait_for_exit(folder).exit_code == 0);
  const std::string output = output_of(folder);
  CAPTURE(output);
  CHECK(output.find(uid) != std::string::npos);
  CHECK(output.find("took True") != std::string::npos);
  CHECK(folder.start()->cpu_enforced);
}

TEST_CASE("what hides from its parent is found by its walls") {
  const std::string uid = new_uuid();
  auto order = walled(uid, "env -i setsid sleep 1000 & sleep 0.2; kill -9 $PPID; sleep 1000");
  if (!order) return;
  TemporaryFolder temporary;
  const RunFolder folder(temporary.path());
  REQUIRE(folder.write(*order).has_value());
  start_shim(folder);
  REQUIRE(testing::wait_until([&] { return folder.has_shim() && !folder.is_locked(); }));
  const std::vector<std::string> folders = {order->walls.memory_folder, order->walls.cpu_folder};
  CHECK(read_file(folders[0] + "/cgroup.procs").value_or("") != "");
  kill_marked(run_marker(uid), folders);
  CHECK(testing::wait_until([&] { return read_file(folders[0] + "/cgroup.procs").value_or("") == ""; }));
  for (const std::string& each : folders) ::rmdir(each.c_str());
}

// A folder that looks like a mounted cgroup v2: the control files that are written are there.
struct Version2 {
  Version2() {
    for (const char* file : {"/cgroup.controllers", "/cgroup.procs", "/cgroup.subtree_control"})
      touch(root.path() + file);
    make("/muster", {"cgroup.subtree_control"});
  }
  static void touch(const std::string& path) { REQUIRE(write_file_atomic(path, "", 0600).has_value()); }
  void make(const std::string& group, const std::vector<std::string>& files) {
    REQUIRE(make_folders(root.path() + group, 0700).has_value());
    for (const std::string& file : files) touch(root.path() + group + "/" + file);
  }
  std::string read(const std::string& path) { return read_file(root.path() + path).value_or("missing"); }
  TemporaryFolder root;
};

TEST_CASE("cgroup v2 gets the limits in its own words") {
  Version2 tree;
  const Walls walls{.kind = "v2", .memory_parent = tree.root.path() + "/muster"};
  WallOrder order = walls_for_run(walls, "run-0");
  order.memory_limit = 1 << 30;
  order.cpu_limit = 1500;
  order.cpu_request = 500;
  tree.make("/muster/run-0",
            {"memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "cpu.weight", "cgroup.procs"});
  const Cgroup group = Cgroup::raise(order);
  CHECK(group.is_memory_enforced());
  CHECK(group.is_cpu_enforced());
  CHECK(tree.read("/muster/run-0/memory.max") == "1073741824");
  CHECK(tree.read("/muster/run-0/memory.swap.max") == "0");
  CHECK(tree.read("/muster/run-0/memory.oom.group") == "1");
  CHECK(tree.read("/muster/run-0/cpu.max") == "150000 100000");
  CHECK(tree.read("/muster/run-0/cpu.weight") == "50");
  CHECK(group.join(4242));
  CHECK(tree.read("/muster/run-0/cgroup.procs") == "4242");
  REQUIRE(write_file_atomic(order.memory_folder + "/memory.events", "low 0\noom 2\noom_kill 1\n", 0600).has_value());
  CHECK(group.oom_kills() == 1);
}

TEST_CASE("a machine whose cgroups may not be written says so, and its runs say not enforced") {
  TemporaryFolder root;
  const Walls walls = find_walls(root.path() + "/nothing", false);
  CHECK(walls.kind == "none");
  CHECK(walls.why_not != "");
  const Cgroup group = Cgroup::raise(walls_for_run(walls, "run-0"));
  CHECK(!group.is_memory_enforced());
  CHECK(!group.is_cpu_enforced());
  CHECK(group.join(::getpid()));
  CHECK(group.oom_kills() == 0);
}

TEST_CASE("a scope asks systemd for the same limits") {
  const Walls walls{.kind = "scope", .user_scope = true};
  WallOrder order = walls_for_run(walls, "u-0");
  order.memory_limit = 1 << 30;
  order.cpu_limit = 1500;
  const std::vector<std::string> words = scope_command(walls, order, "u-0");
  const auto says = [&](const std::string& word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  CHECK(words.front() == "/usr/bin/systemd-run");
  CHECK(says("--user"));
  CHECK(says("--scope"));
  CHECK(says("--unit=muster-u-0.scope"));
  CHECK(says("MemoryMax=1073741824"));
  CHECK(says("CPUQuota=150%"));
  CHECK(scope_command({.kind = "v1"}, order, "u-0").empty());
}

}  // namespace
}  // namespace muster::node
