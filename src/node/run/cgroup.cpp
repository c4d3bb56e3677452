#include "node/run/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "node/run/process.h"

namespace muster::node {

namespace {

constexpr std::int64_t period_us = 100'000;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// Control files take one write() and answer with an errno; no rename, no truncation games.
bool write_control(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.is_open()) return false;
  return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool make_folder(const std::string& path) {
  // The parent may have been removed by the run that ended last: make both, twice if need be.
  for (int i = 0; i < 3; ++i) {
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return true;
    if (errno != ENOENT) return false;
    const std::string parent = path.substr(0, path.rfind('/'));
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  return false;
}

std::int64_t number_after(std::string_view text, std::string_view name) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') continue;
    std::int64_t value = 0;
    const std::string_view digits = line.substr(name.size() + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  return 0;
}

// This process's folder of a v1 controller ("" with an empty name: of the v2 tree), as /proc/self/cgroup tells it. In a
// container the path may be the host's and not exist here: then the top of what is mounted.
std::string own_folder(const std::string& mount, std::string_view controller) {
  const auto text = read_file("/proc/self/cgroup");
  if (!text.has_value()) return mount;
  for (const std::string_view line : split(*text, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto controllers = split(line.substr(first + 1, second - first - 1), ',');
    if (std::find(controllers.begin(), controllers.end(), controller) == controllers.end()) continue;
    std::string folder = mount + std::string(line.substr(second + 1));
    while (folder.ends_with('/')) folder.pop_back();
    if (exists(folder + "/cgroup.procs")) return folder;
  }
  return mount;
}

bool limit_works(const std::string& parent, const std::string& file, const std::string& value) {
  const std::string folder = parent + "/probe-" + std::to_string(::getpid());
  const bool works = make_folder(folder) && write_control(folder + "/" + file, value);
  ::rmdir(folder.c_str());
  return works;
}

Walls find_v1(const std::string& root) {
  Walls walls;
  const std::string memory = own_folder(root + "/memory", "memory") + "/muster";
  const std::string cpu = own_folder(root + "/cpu", "cpu") + "/muster";
  if (limit_works(memory, "memory.limit_in_bytes", "67108864")) walls.memory_parent = memory;
  if (limit_works(cpu, "cpu.shares", "1024")) walls.cpu_parent = cpu;
  ::rmdir(memory.c_str());
  ::rmdir(cpu.c_str());
  if (walls.memory_parent.empty() && walls.cpu_parent.empty()) {
    walls.kind = "none";
    walls.why_not = "the cgroup folders of this machine are not writable for this user";
    return walls;
  }
  walls.kind = "v1";
  if (walls.memory_parent.empty()) walls.why_not = "no writable memory controller";
  if (walls.cpu_parent.empty()) walls.why_not = "no writable cpu controller";
  return walls;
}

Walls find_v2(const std::string& root) {
  // Processes may live only in leaves: the parent is made beside, not below, the one that holds Muster, unless that is
  // the top. A top that holds processes and is not the kernel's own refuses, and then there are no walls.
  Walls walls{.kind = "none", .why_not = "the cgroup folders of this machine are not writable for this user"};
  const std::string own = own_folder(root, "");
  std::vector<std::string> tops = {root};
  if (own != root) tops.insert(tops.begin(), own.substr(0, own.rfind('/')));
  for (const std::string& top : tops) {
    const std::string parent = top + "/muster";
    if (!make_folder(parent)) continue;
    write_control(top + "/cgroup.subtree_control", "+memory +cpu");
    write_control(parent + "/cgroup.subtree_control", "+memory +cpu");
    if (limit_works(parent, "memory.max", "67108864") && limit_works(parent, "cpu.weight", "100")) {
      return {.kind = "v2", .memory_parent = parent};
    }
    ::rmdir(parent.c_str());
  }
  return walls;
}

bool scope_works(bool user) {
  if (!exists("/run/systemd/system") || !exists("/usr/bin/systemd-run")) return false;
  std::vector<std::string> words = {"/usr/bin/systemd-run",
                                    user ? "--user" : "--system",
                                    "--scope",
                                    "--quiet",
                                    "--collect",
                                    "-p",
                                    "MemoryMax=64M",
                                    "/bin/true"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  pid_t pid = 0;
  const bool started = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  if (!started) return false;
  int status = 0;
  for (const Deadline deadline = Deadline::in(seconds(2)); !deadline.passed();) {
    if (::waitpid(pid, &status, WNOHANG) == pid) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    ::nanosleep(&pause, nullptr);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return false;
}

std::string v1_quota(std::int64_t milli) { return std::to_string(std::max<std::int64_t>(1000, milli * 100)); }

}  // namespace

Walls find_walls(const std::string& root, bool allow_scope) {
  if (exists(root + "/cgroup.controllers")) {
    const bool user = ::geteuid() != 0;
    if (allow_scope && scope_works(user)) return {.kind = "scope", .user_scope = user};
    return find_v2(root);
  }
  return find_v1(root);
}

WallOrder walls_for_run(const Walls& walls, const std::string& run_name) {
  WallOrder order;
  order.kind = walls.kind;
  if (!walls.memory_parent.empty()) order.memory_folder = walls.memory_parent + "/" + run_name;
  if (!walls.cpu_parent.empty()) order.cpu_folder = walls.cpu_parent + "/" + run_name;
  return order;
}

std::vector<std::string> scope_command(const Walls& walls, const WallOrder& order, const std::string& run_name) {
  if (walls.kind != "scope") return {};
  std::vector<std::string> words = {"/usr/bin/systemd-run",
                                    walls.user_scope ? "--user" : "--system",
                                    "--scope",
                                    "--quiet",
                                    "--collect",
                                    "--unit=muster-" + run_name + ".scope"};
  const auto set = [&](const std::string& property) {
    words.push_back("-p");
    words.push_back(property);
  };
  if (order.memory_limit > 0) {
    set("MemoryMax=" + std::to_string(order.memory_limit));
    set("MemorySwapMax=0");
  }
  if (order.cpu_limit > 0) set("CPUQuota=" + std::to_string(std::max<std::int64_t>(1, order.cpu_limit / 10)) + "%");
  if (order.cpu_request > 0) {
    set("CPUWeight=" + std::to_string(std::clamp<std::int64_t>(order.cpu_request / 10, 1, 10'000)));
  }
  return words;
}

Cgroup Cgroup::raise(const WallOrder& order) {
  Cgroup group;
  group.order_ = order;
  const std::string& memory = order.memory_folder;
  const std::string& cpu = order.cpu_folder;
  if (order.kind == "scope") {
    // systemd has set the limits before the shim began; the folder is the shim's own.
    group.order_.memory_folder = own_folder("/sys/fs/cgroup", "");
    group.memory_enforced_ =
        order.memory_limit == 0 || read_file(group.order_.memory_folder + "/memory.max").value_or("max\n") != "max\n";
    group.cpu_enforced_ = exists(group.order_.memory_folder + "/cpu.max");
  } else if (order.kind == "v2" && make_folder(memory)) {
    group.memory_enforced_ =
        write_control(memory + "/memory.max", order.memory_limit > 0 ? std::to_string(order.memory_limit) : "max");
    if (order.memory_limit > 0) write_control(memory + "/memory.swap.max", "0");
    write_control(memory + "/memory.oom.group", "1");
    const std::string quota = order.cpu_limit > 0 ? v1_quota(order.cpu_limit) : "max";
    group.cpu_enforced_ = write_control(memory + "/cpu.max", quota + " " + std::to_string(period_us));
    if (order.cpu_request > 0) {
      write_control(memory + "/cpu.weight",
                    std::to_string(std::clamp<std::int64_t>(order.cpu_request / 10, 1, 10'000)));
    }
  } else if (order.kind == "v1") {
    if (!memory.empty() && make_folder(memory)) {
      const std::string limit = order.memory_limit > 0 ? std::to_string(order.memory_limit) : "-1";
      group.memory_enforced_ = write_control(memory + "/memory.limit_in_bytes", limit);
      if (order.memory_limit > 0 && exists(memory + "/memory.memsw.limit_in_bytes")) {
        write_control(memory + "/memory.memsw.limit_in_bytes", limit);
      }
    }
    if (!cpu.empty() && make_folder(cpu)) {
      const std::string quota = order.cpu_limit > 0 ? v1_quota(order.cpu_limit) : "-1";
      group.cpu_enforced_ = write_control(cpu + "/cpu.cfs_period_us", std::to_string(period_us)) &&
                            write_control(cpu + "/cpu.cfs_quota_us", quota);
      if (order.cpu_request > 0) {
        write_control(cpu + "/cpu.shares", std::to_string(std::max<std::int64_t>(2, order.cpu_request * 1024 / 1000)));
      }
    }
  }
  if (!group.memory_enforced_ || !group.cpu_enforced_) group.why_not_ = "no writable cgroup";
  return group;
}

bool Cgroup::join(pid_t pid) const {
  if (order_.kind == "scope" || order_.kind == "none") return true;
  const std::string text = std::to_string(pid);
  bool joined = true;
  for (const std::string& folder : folders()) joined = write_control(folder + "/cgroup.procs", text) && joined;
  return joined;
}

std::int64_t Cgroup::oom_kills() const {
  if (order_.memory_folder.empty()) return 0;
  const std::string file = order_.kind == "v1" ? "/memory.oom_control" : "/memory.events";
  const auto text = read_file(order_.memory_folder + file);
  return text.has_value() ? number_after(*text, "oom_kill") : 0;
}

std::vector<std::string> Cgroup::folders() const {
  std::vector<std::string> folders;
  for (const std::string& folder : {order_.memory_folder, order_.cpu_folder}) {
    if (!folder.empty() && exists(folder)) folders.push_back(folder);
  }
  return folders;
}

void Cgroup::kill_members() const {
  if (order_.kind == "v2" && write_control(order_.memory_folder + "/cgroup.kill", "1")) return;
  for (const std::string& folder : folders()) {
    const auto procs = read_file(folder + "/cgroup.procs");
    if (!procs.has_value()) continue;
    for (const std::string_view line : split(*procs, '\n')) {
      pid_t pid = 0;
      std::from_chars(line.data(), line.data() + line.size(), pid);
      if (pid <= 1 || pid == ::getpid()) continue;
      const Fd pidfd = open_process(identity_of(pid));
      // Still a member after the pidfd was opened: it is the one that was meant.
      const auto again = read_file(folder + "/cgroup.procs");
      if (again.has_value() && ("\n" + *again).find("\n" + std::to_string(pid) + "\n") != std::string::npos) {
        signal_process(pidfd, SIGKILL);
      }
    }
  }
}

void Cgroup::remove() const {
  if (order_.kind == "scope") return;
  for (const std::string& folder : folders()) {
    for (int i = 0; i < 100 && ::rmdir(folder.c_str()) != 0 && errno == EBUSY; ++i) {
      const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
      ::nanosleep(&pause, nullptr);
    }
    // The last run takes the parent along; with others in it this fails, as it should.
    if (order_.kind == "v1") ::rmdir(folder.substr(0, folder.rfind('/')).c_str());
  }
}

}  // namespace muster::node
