#pragma once
// Machine: the parts of Muster on one machine, wired: kube/local, node, control, cluster, one listener.

#include <memory>
#include <string>

#include "apps/data_folder.h"
#include "base/clock.h"
#include "base/result.h"

namespace muster::apps {

struct MachineOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 7070;
  std::string gpus = "auto";
  std::string program;  // path of this program, for the shims
};

class Machine {
 public:
  static Result<std::unique_ptr<Machine>> start(const DataFolder& folder, const MachineOptions& options);
  virtual ~Machine() = default;  // stops everything but the workloads
  virtual std::string url() const = 0;
  virtual std::string sign_in_url() = 0;
  virtual std::string simulated() const = 0;  // the simulated spec; "" with real devices
  virtual double gpus() const = 0;
  virtual std::string host() const = 0;
  // What `muster down` has asked for over REST.
  enum class Asked { Nothing, Stop, StopWithWorkloads };
  virtual Asked asked() const = 0;
  virtual Result<void> end_workloads(Deadline deadline) = 0;
};

}  // namespace muster::apps
