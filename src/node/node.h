#pragma once
// NodeAgent: the node part on a machine without a kubelet: registers this machine (and simulated nodes) as Node
// objects, runs the pods bound to them as processes under a shim, keeps their logs, reports their status, adopts them
// after a restart.

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"

namespace muster::node {

struct Options {
  kube::Api* api = nullptr;  // not owned, outlives the agent
  Clock* clock = nullptr;
  std::string folder;         // runs live in <folder>/runs/<pod uid>/; 0700
  std::string gpus = "auto";  // auto | none | real | sim:SPEC
  std::string program;        // path of the muster program, started as `<program> shim <run folder>`
  std::string host_name;      // "" = uname
  bool root_mode = false;     // run pods as their securityContext.runAsUser / runAsGroup
};

class NodeAgent {
 public:
  // Finds devices and what still runs, registers the nodes, starts watching. Unavailable when `real` was asked and NVML
  // is missing.
  static Result<std::unique_ptr<NodeAgent>> start(Options options);
  virtual ~NodeAgent() = default;  // stops watching; what runs goes on
  virtual kube::PodStreams& streams() = 0;
  // "" when real devices are used; else the spec that is simulated.
  virtual std::string simulated() const = 0;
  // Ends every run (TERM, grace, KILL) and waits at most `deadline`. For `muster down --workloads`.
  virtual Result<void> end_all(Deadline deadline) = 0;
};

// main of `muster shim <run folder>`: parent of one run (interface 9). Returns the process's exit status.
int shim_main(int argc, char** argv);

}  // namespace muster::node
