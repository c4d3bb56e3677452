#include "node/run/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <set>

#include "base/text.h"

namespace muster::node {

namespace {

std::optional<std::string> read_proc(pid_t pid, const char* file) {
  auto bytes = read_file("/proc/" + std::to_string(pid) + "/" + file, 8U << 20);
  if (!bytes.has_value()) return std::nullopt;
  return std::move(*bytes);
}

bool has_marker(pid_t pid, const std::string& marker) {
  const auto environment = read_proc(pid, "environ");
  if (!environment) return false;
  const std::string wanted = marker + '\0';
  return environment->starts_with(wanted) || environment->find('\0' + wanted) != std::string::npos;
}

std::set<pid_t> members_of(const std::vector<std::string>& cgroup_folders) {
  std::set<pid_t> members;
  for (const std::string& folder : cgroup_folders) {
    const auto procs = read_file(folder + "/cgroup.procs");
    if (!procs.has_value()) continue;
    for (const std::string_view line : split(*procs, '\n')) {
      pid_t pid = 0;
      if (std::from_chars(line.data(), line.data() + line.size(), pid).ec == std::errc() && pid > 0)
        members.insert(pid);
    }
  }
  return members;
}

// The marked ones and the members of the cgroups; everyone in a session with one of them (only a descendant can be in
// there; a session whose living leader is not marked is left alone); and descendants of them all.
std::vector<ProcessStat> tree_of_marked(const std::string& marker, const std::vector<std::string>& cgroup_folders) {
  const std::vector<ProcessStat> processes = all_processes();
  std::set<pid_t> found = members_of(cgroup_folders);
  for (const ProcessStat& process : processes) {
    if (process.state != 'Z' && has_marker(process.pid, marker)) found.insert(process.pid);
  }
  std::set<pid_t> alive, sessions;
  for (const ProcessStat& process : processes) alive.insert(process.pid);
  for (const ProcessStat& process : processes) {
    if (!found.contains(process.pid) || process.session <= 1) continue;
    if (found.contains(process.session) || !alive.contains(process.session)) sessions.insert(process.session);
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (const ProcessStat& process : processes) {
      if (found.contains(process.pid)) continue;
      if (!sessions.contains(process.session) && !found.contains(process.parent)) continue;
      found.insert(process.pid);
      grew = true;
    }
  }
  std::vector<ProcessStat> tree;
  for (const ProcessStat& process : processes) {
    if (found.contains(process.pid) && process.state != 'Z' && process.pid != ::getpid()) tree.push_back(process);
  }
  return tree;
}

}  // namespace

std::string boot_id() {
  static const std::string id = [] {
    const auto text = read_file("/proc/sys/kernel/random/boot_id");
    return text.has_value() ? std::string(trim(*text)) : std::string("unknown");
  }();
  return id;
}

std::optional<ProcessStat> read_stat(pid_t pid) {
  const auto text = read_proc(pid, "stat");
  if (!text) return std::nullopt;
  // The name in parentheses may hold anything, also ") ": the fields begin after the last one.
  const std::size_t close = text->rfind(')');
  if (close == std::string::npos || close + 2 >= text->size()) return std::nullopt;
  const std::vector<std::string_view> fields = split(std::string_view(*text).substr(close + 2), ' ');
  if (fields.size() < 20 || fields[0].size() != 1) return std::nullopt;
  const auto number = [&](std::size_t at) {
    std::int64_t value = 0;
    std::from_chars(fields[at].data(), fields[at].data() + fields[at].size(), value);
    return value;
  };
  return ProcessStat{.pid = pid,
                     .state = fields[0][0],
                     .parent = static_cast<pid_t>(number(1)),
                     .session = static_cast<pid_t>(number(3)),
                     .start_ticks = number(19)};
}

ProcessIdentity identity_of(pid_t pid) {
  const auto stat = read_stat(pid);
  return {.pid = pid, .start_ticks = stat ? stat->start_ticks : 0, .boot_id = boot_id()};
}

Fd open_process(const ProcessIdentity& identity) {
  if (identity.pid <= 1 || identity.boot_id != boot_id()) return Fd();
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!pidfd.is_open()) return Fd();
  // Read after opening: if the start time is the right one now, the pidfd holds the right process.
  const auto stat = read_stat(identity.pid);
  if (!stat || stat->start_ticks != identity.start_ticks) return Fd();
  return pidfd;
}

bool signal_process(const Fd& pidfd, int signal) {
  return pidfd.is_open() && ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

std::vector<ProcessStat> all_processes() {
  std::vector<ProcessStat> processes;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return processes;
  while (const dirent* entry = ::readdir(folder)) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto parsed = std::from_chars(entry->d_name, end, pid);
    if (parsed.ec != std::errc() || parsed.ptr != end) continue;
    if (const auto stat = read_stat(pid)) processes.push_back(*stat);
  }
  ::closedir(folder);
  return processes;
}

std::vector<pid_t> children_of_self() {
  std::vector<pid_t> children;
  const auto listed = read_file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  if (listed.has_value()) {
    for (const std::string_view word : split(*listed, ' ')) {
      pid_t pid = 0;
      if (std::from_chars(word.data(), word.data() + word.size(), pid).ec == std::errc() && pid > 0) {
        children.push_back(pid);
      }
    }
    return children;
  }
  for (const ProcessStat& process : all_processes()) {
    if (process.parent == ::getpid()) children.push_back(process.pid);
  }
  return children;
}

int kill_marked(const std::string& marker, const std::vector<std::string>& cgroup_folders) {
  int killed = 0;
  // A killed process needs a moment to leave /proc; a forking one may outrun one pass. 400 passes of 5 ms.
  for (int pass = 0; pass < 400; ++pass) {
    const std::vector<ProcessStat> found = tree_of_marked(marker, cgroup_folders);
    if (found.empty()) break;
    for (const ProcessStat& process : found) {
      const Fd pidfd = open_process({process.pid, process.start_ticks, boot_id()});
      if (signal_process(pidfd, SIGKILL) && pass == 0) ++killed;
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return killed;
}

}  // namespace muster::node
