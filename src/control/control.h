#pragma once
// Control: the control plane: organisation, access, accepted workloads, records, REST. On one machine inside `muster
// up`.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/line.h"
#include "net/server.h"

namespace muster::control {

struct Options {
  std::string folder;  // control.db lives here; 0700
  Clock* clock = nullptr;
  std::string owner_token;   // content of owner.token
  bool root_mode = false;    // interface 8: identity of UNIX socket callers by uid, groups, membership
  std::string cluster_name;  // the machine's host name
  double machine_gpus = 0;   // first start: quota of department and project `default`
  bool simulated = false;    // devices are simulated: /me and the console say so
};

class Control {
 public:
  static Result<std::unique_ptr<Control>> start(Options options);
  virtual ~Control() = default;
  // The cluster's end reports here.
  virtual model::LineToControl& facts() = 0;
  // Connects the line; everything that the cluster has not applied is sent again, in order.
  virtual void connect(model::LineToCluster& line) = 0;
  // Before the cluster's end is destroyed: after it returned, the line is not touched any more.
  virtual void disconnect() = 0;
  // Filters (authentication, Host, Origin, CSRF) and every route below /api, /signin, /metrics.
  virtual void add_routes(net::Router& router) = 0;
  // The listener's own address, for Host and Origin checks and for sign-in links. Call before serving.
  virtual void set_url(const std::string& url) = 0;
  // A fresh one-use sign-in link of the owner (10 minutes).
  virtual std::string sign_in_url() = 0;
  // Whether the caller of this (authenticated) request may read the logs of that workload.
  virtual Result<void> may_read_logs(const net::Request& request, const std::string& project,
                                     const std::string& workload) = 0;
  // Whether the caller may stop the server: the owner, or an administrator.
  virtual Result<void> may_stop_server(const net::Request& request) = 0;
  // Stops every workload that runs, so that none begins again by itself; what waits goes on waiting. Returns once the
  // cluster has been told.
  virtual Result<void> stop_running(Deadline deadline) = 0;
  // GPUs of the machine as the node part found them; updates `default`'s quota only at first start.
  virtual Result<void> set_machine_gpus(double gpus) = 0;
  // Names and values for /metrics.
  virtual std::vector<std::pair<std::string, double>> counters() const = 0;
};

}  // namespace muster::control
