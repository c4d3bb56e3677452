#pragma once
// Cgroup: the walls around one run on this machine. Three ways, the strongest that works is chosen once at the start of
// Muster: a transient systemd scope (cgroup v2; ordinary users get limits this way), own folders of cgroup v2, own
// folders of the v1 controllers memory and cpu; else none, and every pod says so. The shim makes the folders, the job
// joins them before it gives up its rights, the shim reads the count of out-of-memory kills and removes them.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/describe.h"
#include "base/result.h"

namespace muster::node {

// Where runs of this Muster find their cgroups; found once by find_walls().
struct Walls {
  std::string kind;           // "scope" | "v2" | "v1" | "none"
  std::string memory_parent;  // v1: below it a folder per run; v2: the one parent; "" = not writable
  std::string cpu_parent;     // v1 only
  bool user_scope = false;    // scope: by the user's own systemd
  std::string why_not;        // none, or a controller that is missing: the reason, for people
};

// What one run gets; part of run.json.
struct WallOrder {
  std::string kind = "none";
  std::string memory_folder;  // v2: the one folder
  std::string cpu_folder;
  std::int64_t memory_limit = 0;  // bytes; 0 = none
  std::int64_t cpu_limit = 0;     // milli-cores; 0 = none
  std::int64_t cpu_request = 0;   // milli-cores, as weight; 0 = none
};
MUSTER_DESCRIBE(WallOrder, kind, memory_folder, cpu_folder, memory_limit, cpu_limit, cpu_request)

// `root` is where cgroups are mounted; tests give a folder of their own. Tries what it finds: makes a folder, writes a
// limit, removes it. `allow_scope`: ask systemd too (starts a program, at most 2 s).
Walls find_walls(const std::string& root = "/sys/fs/cgroup", bool allow_scope = true);
WallOrder walls_for_run(const Walls& walls, const std::string& run_name);
// What stands in front of the shim's own command line: systemd-run for a scope, nothing else.
std::vector<std::string> scope_command(const Walls& walls, const WallOrder& order, const std::string& run_name);

class Cgroup {
 public:
  // Makes the folders and writes the limits. What could not be done is told by the enforced_*() readers, never an
  // error: a job runs without walls where there are none to be had.
  static Cgroup raise(const WallOrder& order);
  // Moves a process inside. Called in the job's own process before exec, with the rights of the shim.
  bool join(pid_t pid) const;
  bool is_memory_enforced() const { return memory_enforced_; }
  bool is_cpu_enforced() const { return cpu_enforced_; }
  const std::string& why_not() const { return why_not_; }
  // Times the kernel killed something in here for want of memory.
  std::int64_t oom_kills() const;
  // Folders whose members belong to the run.
  std::vector<std::string> folders() const;
  // Kills every member but the caller.
  void kill_members() const;
  // Removes the folders once they are empty (a few tries).
  void remove() const;

 private:
  WallOrder order_;
  bool memory_enforced_ = false, cpu_enforced_ = false;
  std::string why_not_;
};

}  // namespace muster::node
