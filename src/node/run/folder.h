#pragma once
// RunFolder: the one place where Muster and the shim of a run meet: <runs>/<pod uid>/<attempt>/. Each file has one
// writer and appears whole (written beside, renamed in):
//   run.json      Muster, before the shim is started: what to run
//   lock          held by the shim for its whole life (an OFD lock: asking does not take it)
//   shim.json     the shim, before it starts the job: who it is. Its presence says: this run was begun, never begin
//   again started.json  the shim, after the job's exec succeeded stop.json     Muster, before it signals the shim: how
//   long the job has to go output-N.log  the shim: what the job printed, in segments exit.json     the shim, after the
//   job and all its children are gone and all output is written. For a run whose shim
//                 died without it, Muster writes it, with reason Lost
// "Is it alive?" is asked of the lock, "who is it?" of shim.json; neither trusts a bare pid.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/describe.h"
#include "base/file.h"
#include "base/result.h"
#include "node/run/cgroup.h"
#include "node/run/process.h"

namespace muster::node {

MUSTER_DESCRIBE(ProcessIdentity, pid, start_ticks, boot_id)

// run.json. Environment values may be secrets: the file is 0600 in a folder of 0700.
struct RunOrder {
  std::string pod_uid, ns, pod, node;
  std::string owner_kind, owner_name, owner_uid;  // the pod's controller; logs stay while it exists
  std::string owner_api_version;
  int attempt = 0;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "K=V"
  std::string working_folder;
  bool switch_user = false;  // then uid, gid, groups are taken on before anything of the job is opened
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;
  std::int64_t grace_ms = 30'000;
  std::int64_t segment_bytes = 64LL << 20;
  int segments = 4;
  WallOrder walls;
};
MUSTER_DESCRIBE(RunOrder, pod_uid, ns, pod, node, owner_kind, owner_name, owner_uid, owner_api_version, attempt, argv,
                environment, working_folder, switch_user, uid, gid, groups, grace_ms, segment_bytes, segments, walls)

struct ShimRecord {
  ProcessIdentity shim;
};
MUSTER_DESCRIBE(ShimRecord, shim)

struct StartRecord {
  std::string started_at;  // RFC 3339
  ProcessIdentity job;
  bool memory_enforced = false, cpu_enforced = false;
  std::string why_not;  // a wall is missing: the reason
};
MUSTER_DESCRIBE(StartRecord, started_at, job, memory_enforced, cpu_enforced, why_not)

struct StopRecord {
  std::int64_t grace_ms = 30'000;
};
MUSTER_DESCRIBE(StopRecord, grace_ms)

struct ExitRecord {
  int exit_code = 0;  // 128 + n for a signal
  int signal = 0;
  std::string reason;   // Completed | Error | OOMKilled | ContainerCannotRun | Lost
  std::string message;  // for people; may be empty
  std::string started_at, ended_at;
  bool oom_killed = false;
};
MUSTER_DESCRIBE(ExitRecord, exit_code, signal, reason, message, started_at, ended_at, oom_killed)

class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  // not_found when the file is not there (yet).
  Result<RunOrder> order() const;
  Result<ShimRecord> shim() const;
  Result<StartRecord> start() const;
  Result<StopRecord> stop() const;
  Result<ExitRecord> exit() const;
  bool has_exit() const;
  bool has_shim() const;

  Result<void> write(const RunOrder& order) const;
  Result<void> write(const ShimRecord& record) const;
  Result<void> write(const StartRecord& record) const;
  Result<void> write(const StopRecord& record) const;
  // Synced to disk: an ended job's exit code must survive the machine.
  Result<void> write(const ExitRecord& record) const;

  // Takes the lock for the life of the returned descriptor; closed when another process holds it.
  Fd take_lock() const;
  // Whether a shim lives here. Does not disturb a shim that is about to take the lock.
  bool is_locked() const;

  std::string segment(int number) const;
  // Numbers of the output segments that are there, ascending.
  std::vector<int> segments() const;

 private:
  std::string path_;
};

// "MUSTER_POD_UID=<uid>": stands in every job's environment, and is how what is left of a Lost run is found.
std::string run_marker(const std::string& pod_uid);
// The highest number among the folders of a pod's attempts; -1 when there is none.
int newest_attempt_in(const std::string& pod_folder);
// A pod uid that is safe as a folder's name.
bool is_safe_uid(const std::string& uid);
Result<void> remove_tree(const std::string& path);

}  // namespace muster::node
