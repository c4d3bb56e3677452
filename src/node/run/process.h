#pragma once
// ProcessIdentity: which process of this machine is meant, for longer than its number is: the pid with the moment it
// started and the boot in which it did. Numbers are given out again; this triple is not. Nothing in Muster signals a
// process that it knows by number only.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace muster::node {

struct ProcessIdentity {
  pid_t pid = 0;
  std::int64_t start_ticks = 0;  // field 22 of /proc/<pid>/stat
  std::string boot_id;
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// What /proc/<pid>/stat says of a process.
struct ProcessStat {
  pid_t pid = 0;
  char state = '?';  // Z = zombie
  pid_t parent = 0;
  pid_t session = 0;
  std::int64_t start_ticks = 0;
};

std::string boot_id();
std::optional<ProcessStat> read_stat(pid_t pid);
ProcessIdentity identity_of(pid_t pid);
// A pidfd of exactly that process, or a closed Fd when it is gone (or its number belongs to another one now).
Fd open_process(const ProcessIdentity& identity);
// Sends through the pidfd: never reaches another process.
bool signal_process(const Fd& pidfd, int signal);
std::vector<ProcessStat> all_processes();
// Live children of the calling process, by /proc.
std::vector<pid_t> children_of_self();

// Kills every process whose environment holds `marker` ("MUSTER_RUN=..."), the members of their sessions, their
// descendants, and the processes in `also` (the run's cgroup). Repeats until a pass finds none, some seconds at most.
// Returns how many were killed. Processes whose environment may not be read are found by session or descent only.
int kill_marked(const std::string& marker, const std::vector<std::string>& cgroup_folders);

}  // namespace muster::node
