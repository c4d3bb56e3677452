#pragma once
// pod_status: what this node writes of a pod: phase, reason, startTime and the status of its one container. Conditions
// are the binder's and the eviction's and stay untouched.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "node/run/folder.h"

namespace muster::node {

struct ContainerName {
  std::string name = "main";
  std::string image = "host";
  std::string uid;  // of the pod
};

json::Value running_status(const ContainerName& container, const StartRecord& start, int restarts,
                           const std::optional<ExitRecord>& last);
// Final: Succeeded or Failed. `reason` overrides the pod's reason (DeadlineExceeded, NodeShutdown); "" = the exit's own
// where that is one of the pod (Lost).
json::Value ended_status(const ContainerName& container, const ExitRecord& exit, int restarts,
                         const std::string& reason);
// Waits for its next attempt.
json::Value waiting_status(const ContainerName& container, const ExitRecord& last, int restarts, Duration delay);
// Failed without a run.
json::Value refused_status(const std::string& reason, const std::string& message);

}  // namespace muster::node
