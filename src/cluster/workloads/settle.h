#pragma once
// Settle: the rules of a training's life (product rules 4.10 to 4.12), pure. Given the workload, its pods and the time,
// what has to be done now and what its status is. Each index 0..completions-1 needs one success; an index has one pod
// at a time, and the next one is made only when the last has ended or gone, so that no process is doubled. Failures
// count towards backoffLimit over all indexes; evictions by the scheduler and deleted pods do not; with restartPolicy
// Always every end is followed by a new start and nothing counts. Counts are read from the newest pod of each index, so
// a restart of Muster loses nothing.

#include <optional>
#include <string>
#include <vector>

#include "cluster/workloads/training.h"

namespace muster::cluster {

struct NewPod {
  std::string name;
  std::int64_t index = 0;
  std::int64_t failures_before = 0;
};

struct OldPod {
  std::string name, uid;
  bool at_once = false;  // has ended: nothing to wait for
};

struct Settlement {
  std::vector<NewPod> create;
  std::vector<OldPod> remove;
  std::vector<Attempt> let_go;  // pods whose run stands in the status: their finalizer may go once that is written
  TrainingStatus status;
  bool release = false;                // every pod is gone: the finalizer may go
  bool remove_training = false;        // its time after completion is over
  std::optional<Duration> look_again;  // a delay ends then
};

Settlement settle(const Training& training, const std::vector<Attempt>& attempts, Time now);

// "train-1-0", "train-1-0-r2" after two failures.
std::string pod_name(const std::string& training, std::int64_t index, std::int64_t failures_before);
// 1 s x 2^n after the (n+1)-th failure of an index, at most 5 minutes.
Duration restart_delay(std::int64_t failures);

}  // namespace muster::cluster
