#pragma once
// LogOrder: what the gate knows of workloads and their pods, and whose output a reader is told next. Shared by the gate
// and its streams; every change wakes those that wait.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/threads.h"
#include "cluster/workloads/training.h"
#include "kube/api.h"
#include "kube/reflector.h"

namespace muster::cluster {

// What a reader asked for.
struct LogWish {
  std::string ns, name, uid;  // of the Training
  std::string pod;            // "" = all of the workload's
  kube::LogOptions options;
};

class LogOrder {
 public:
  struct Next {
    enum class Kind { Pod, Wait, End };
    Kind kind = Kind::End;
    std::string name, uid;
    bool is_past = false;  // a run whose pod is gone
  };

  void on_training(const kube::Change& change);
  void on_pod(const kube::Change& change);
  // A workload that the API showed: the watch may not have told of it yet.
  void know(const json::Value& training);
  // Where a reader who comes now begins: uids that he is not told (attempts that have been replaced; with `previous`
  // all but the attempt before the newest). NotFound when there is nothing to tell and he does not want to wait.
  Result<std::set<std::string>> begin(LogWish& wish);
  // Waits until there is a next pod or the end; End as well when `cancelled` says so after a wake().
  Next wait_next(const LogWish& wish, const std::set<std::string>& done, const std::function<bool()>& cancelled);
  void wake();
  void stop();

 private:
  Next next(const LogWish& wish, const std::set<std::string>& done) const REQUIRES(mutex_);
  const PastRun* last_run(const LogWish& wish) const REQUIRES(mutex_);
  std::vector<const Attempt*> pods_of(const LogWish& wish) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  Condition changed_;
  std::map<std::string, Training> trainings_ GUARDED_BY(mutex_);                       // uid
  std::map<std::string, std::map<std::string, Attempt>> attempts_ GUARDED_BY(mutex_);  // training uid -> pod name
  std::set<std::string> gone_ GUARDED_BY(mutex_);  // uids of trainings that went lately, bounded
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace muster::cluster
