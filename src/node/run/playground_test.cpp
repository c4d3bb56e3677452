#include "node/run/playground_test.h"

#include <doctest/doctest.h>
#include <ftw.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "node/node.h"

namespace muster::node::testing {

namespace {
// `node_test shim FOLDER` is a shim: before doctest's main, which knows nothing of it, begins.
__attribute__((constructor(65000))) void be_a_shim(int argc, char** argv) {
  if (argc >= 3 && std::string_view(argv[1]) == "shim") ::_exit(shim_main(argc - 1, argv + 1));
}
}  // namespace

TemporaryFolder::TemporaryFolder() {
  char name[] = "/tmp/muster-node-XXXXXX";
  path_ = ::mkdtemp(name);
}

TemporaryFolder::~TemporaryFolder() { ignore(remove_tree(path_), "a test's leftover in /tmp"); }

std::string this_program() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return {path, static_cast<std::size_t>(n)};
}

RunOrder order_of(const std::string& uid, const std::string& script) {
  RunOrder order;
  order.pod_uid = uid;
  order.ns = "runai-test";
  order.pod = "train-1-0";
  order.argv = {"sh", "-c", script};
  order.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", run_marker(uid)};
  order.working_folder = "/";
  return order;
}

pid_t start_shim(const RunFolder& folder) {
  const std::string program = this_program();
  std::string word = "shim", path = folder.path();
  char* argv[] = {const_cast<char*>(program.c_str()), word.data(), path.data(), nullptr};
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv, environ) == 0);
  return pid;
}

bool wait_until(const std::function<bool()>& holds, Duration patience) {
  for (const Deadline deadline = Deadline::in(patience); !deadline.passed(); ::usleep(2000)) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (holds()) return true;
  }
  return holds();
}

ExitRecord wait_for_exit(const RunFolder& folder) {
  REQUIRE(wait_until([&] { return folder.has_exit() && !folder.is_locked(); }, seconds(20)));
  const auto record = folder.exit();
  REQUIRE(record.has_value());
  return *record;
}

std::string output_of(const RunFolder& folder) {
  std::string all;
  for (const int number : folder.segments()) all += read_file(folder.segment(number)).value_or("");
  return all;
}

int count_marked(const std::string& uid) {
  int count = 0;
  const std::string marker = run_marker(uid);
  for (const ProcessStat& process : all_processes()) {
    if (process.state == 'Z') continue;
    const auto environment = read_file("/proc/" + std::to_string(process.pid) + "/environ");
    if (environment.has_value() && environment->find(marker) != std::string::npos) ++count;
  }
  return count;
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace muster::node::testing
