#pragma once
// Pods: the pods of this node's Nodes and their runs. One thread owns the table; changes of pods come in by push(),
// ends and starts of runs by the Poller. What the disk says of a run (run/folder.h) is the truth, also after a kill of
// Muster at any moment: the table is only what was read of it.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "kube/api.h"
#include "kube/objects.h"
#include "kube/reflector.h"
#include "node/devices/device.h"
#include "node/pod_status.h"
#include "node/run/folder.h"
#include "node/run/nursery.h"
#include "node/run/poller.h"
#include "node/status_writer.h"

namespace muster::node {

class Pods {
 public:
  struct Setting {
    kube::Api* api = nullptr;
    Clock* clock = nullptr;
    std::string runs;     // folder
    std::string program;  // for the shims
    bool root_mode = false;
    Walls walls;
    std::map<std::string, std::vector<Device>> nodes;  // ours, by name
    // Called from the pods' thread once everything that the cluster knew at the start has been taken in, with the names
    // of the nodes that hold a live run.
    std::function<void(const std::set<std::string>&)> on_synced;
    Duration first_restart = seconds(1);  // doubles with each, up to 5 min
  };

  static Result<std::unique_ptr<Pods>> start(Setting setting);
  // Stops the thread; what runs goes on.
  ~Pods();

  // From any thread.
  void push(kube::Change change);
  // Ends every run and begins none from now on. Timeout when some did not end in time.
  Result<void> end_all(Deadline deadline);
  // The uid under which logs of a pod are kept whose object is gone; "" when there are none.
  std::string kept_uid(const kube::Key& pod) const;

 private:
  enum class State {
    Beginning,  // no shim yet
    Going,      // a shim lives
    Waiting,    // for its next attempt
    Ended,
  };
  enum class RestartPolicy { Never, OnFailure, Always };

  struct PodRun {
    std::string uid;
    kube::Key key;
    std::string node;
    ContainerName container;
    RestartPolicy restart = RestartPolicy::Never;
    std::int64_t grace_s = 30;
    std::optional<std::int64_t> active_deadline_s;
    State state = State::Beginning;
    int attempt = 0;
    int failed_starts = 0;               // of the shim itself, since the last good one
    bool is_start_told = false;          // Running was written for this attempt
    bool is_deleting = false;            // the pod has a deletionTimestamp
    bool is_gone = false;                // the pod object is no more
    std::optional<Duration> stop_grace;  // it was asked to stop
    std::string end_reason;              // why, as the pod's reason; "" = by deletion, or not asked
    std::optional<ExitRecord> last;      // how the attempt before ended
    kube::Owner owner;
  };

  Pods(Setting setting, Poller poller);
  void run(std::stop_token stop);
  void take(kube::Change& change);
  void on_pod(const json::Value& pod);
  void on_pod_gone(const std::string& uid);
  void on_synced();
  void on_process_ended(const std::string& uid);
  void stop_all();
  // A run that is on the disk only: its pod was not seen, or was final already.
  PodRun* from_disk(const std::string& uid);

  void begin(PodRun& run, const json::Value& pod);
  void begin_attempt(PodRun& run, const json::Value& pod);
  void start_shim(PodRun& run);
  void start_nursery();
  Result<Fd> new_shim(const RunFolder& folder, const RunOrder& order);
  // Reads from disk how the run stands and does what follows from it.
  void look_at(PodRun& run);
  void adopt(PodRun& run);
  void declare_lost(PodRun& run);
  void tell_start(PodRun& run);
  void ended(PodRun& run, const ExitRecord& exit);
  void finish(PodRun& run, const ExitRecord& exit);
  void restart_later(PodRun& run, const ExitRecord& exit);
  void never_begun(PodRun& run);
  void refuse(PodRun& run, const std::string& reason, const std::string& message);
  void warn(const PodRun& run, const std::string& reason, const std::string& message);
  void annotate(PodRun& run, const StartRecord& start);
  void stop(PodRun& run, Duration grace, const std::string& reason);
  void stop_for_deletion(PodRun& run, const json::Value& pod);
  // Of a gone pod: the logs stay while its workload does.
  void keep_or_remove(PodRun& run);
  void after(Duration delay, const std::string& uid, void (Pods::*action)(PodRun&));
  void try_again(PodRun& run);
  void deadline_passed(PodRun& run);

  RunFolder folder_of(const PodRun& run) const;
  // Newest attempt on disk; -1 when there is none.
  int newest_attempt(const std::string& uid) const;
  void publish();

  Setting setting_;
  Poller poller_;
  StatusWriter writer_;
  std::optional<Nursery> nursery_;
  std::map<std::string, PodRun> runs_;  // by uid
  struct Timer {
    std::string uid;
    void (Pods::*action)(PodRun&) = nullptr;
  };
  std::multimap<std::int64_t, Timer> timers_;  // by monotonic ms
  std::set<std::string> known_;                // uids of the pods that are bound to our nodes
  bool was_synced_ = false;

  mutable Mutex mutex_;
  Condition changed_;
  std::deque<kube::Change> inbox_ GUARDED_BY(mutex_);
  std::optional<Deadline> end_all_ GUARDED_BY(mutex_);
  std::size_t live_ GUARDED_BY(mutex_) = 0;
  bool is_ending_ GUARDED_BY(mutex_) = false;
  std::map<std::string, std::string> kept_ GUARDED_BY(mutex_);  // "ns/name" -> uid of gone pods
  bool ending_ = false;                                         // end_all_ was seen: nothing is begun any more
  std::jthread thread_;
};

}  // namespace muster::node
