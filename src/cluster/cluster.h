#pragma once
// Cluster: what runs in a cluster, wired: queues, workloads, group, round, bind, link, gate. The same parts run in
// `muster up` on kube/local and in `muster cluster` on a real API server; they do not know which.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "model/line.h"
#include "net/server.h"

namespace muster::cluster {

// Parts by name, as in --parts.
enum class Part { Queues, Workloads, Group, Round, Bind, Link, Gate };
Result<std::set<Part>> parse_parts(const std::string& list);  // "round,bind"; "" = all

struct Options {
  kube::Api* api = nullptr;                 // not owned, outlives the cluster
  kube::PodStreams* streams = nullptr;      // not owned; logs for the gate; nullptr: the gate answers unavailable
  model::LineToControl* control = nullptr;  // not owned; nullptr: no control plane (muster cluster alone)
  Clock* clock = nullptr;                   // nullptr: the system's
  std::set<Part> parts;                     // empty = all
  std::vector<std::string> scheduler_names = {"muster"};
  std::string state_folder;  // decision log; "" = no log
};

class Cluster {
 public:
  static Result<std::unique_ptr<Cluster>> start(Options options);
  virtual ~Cluster() = default;  // stops and joins every part
  // The control plane's end of the line; valid while the cluster lives.
  virtual model::LineToCluster& line() = 0;
  // GET /gate/v1/projects/{p}/workloads/{w}/logs. `may_read` decides by the request who may read that workload's logs.
  using MayRead =
      std::function<Result<void>(const net::Request&, const std::string& project, const std::string& workload)>;
  virtual void add_gate_routes(net::Router& router, MayRead may_read) = 0;
  // True once every part has its first lists; /readyz asks it.
  virtual bool is_ready() const = 0;
  // Prometheus text of the parts' counters: rounds, round seconds, binds, evictions, pods waiting.
  virtual std::string metrics() const = 0;
};

}  // namespace muster::cluster
