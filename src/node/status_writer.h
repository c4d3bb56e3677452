#pragma once
// StatusWriter: carries what this node has to say of its pods to kube::Api, on a thread of its own, so that a slow or
// failing write never holds up a start. For each pod the newest status counts: an older one that was not written yet is
// dropped. Writes are tried again until they succeed or the pod is gone.

#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/threads.h"
#include "kube/api.h"

namespace muster::node {

class StatusWriter {
 public:
  explicit StatusWriter(kube::Api& api);
  // What is left is still tried, for a second at most.
  ~StatusWriter();
  StatusWriter(const StatusWriter&) = delete;

  // Merge patch of status.
  void write(const kube::Key& pod, const std::string& uid, json::Value status);
  // Annotations, after the status that was handed over with them.
  void annotate(const kube::Key& pod, const std::string& uid,
                const std::vector<std::pair<std::string, std::string>>& annotations);
  // Removes the pod for good (grace 0) after everything above is written.
  void remove(const kube::Key& pod, const std::string& uid);
  // False when something is still unwritten at the deadline.
  bool flush(Deadline deadline);

 private:
  struct Entry {
    kube::Key key;
    json::Value status;       // null = nothing to write
    json::Value annotations;  // null = nothing to write
    bool remove = false;
    int failures = 0;
    Deadline not_before;
  };
  void run(std::stop_token stop);
  Result<void> carry_out(const std::string& uid, Entry& entry);
  Entry& entry_of(const kube::Key& pod, const std::string& uid) REQUIRES(mutex_);

  kube::Api& api_;
  Mutex mutex_;
  Condition changed_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);  // by uid
  std::deque<std::string> order_ GUARDED_BY(mutex_);
  bool is_writing_ GUARDED_BY(mutex_) = false;
  bool is_ending_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace muster::node
