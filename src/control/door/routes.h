#pragma once
// Routes: what every handler of the control plane shares: the caller, the body, the answer.

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "control/access/caller.h"
#include "control/plane.h"
#include "net/server.h"

namespace muster::control {

using Handle = std::function<Result<net::Response>(const Caller&, const net::Request&)>;

// Adds routes whose handlers are told who calls.
class Routes {
 public:
  Routes(Plane& plane, net::Router& router) : plane_(plane), router_(router) {}
  void add(const std::string& method, const std::string& path, Handle handle);
  // Only administrators: 403 for everybody else.
  void add_admin(const std::string& method, const std::string& path, Handle handle);
  Plane& plane() { return plane_; }
  net::Router& router() { return router_; }

 private:
  Plane& plane_;
  net::Router& router_;
};

// The body as JSON that keeps the contract of this method and path; an empty one is an empty object. 415 for another
// media type.
Result<json::Value> read_body(const net::Request& request);
net::Response text_response(int status, std::string json_text);
// {"code": 202, "message": "Accepted"}
net::Response accepted(const std::string& message);

// One function per family of paths.
void add_token_routes(Routes& routes);
void add_org_routes(Routes& routes);
void add_workload_routes(Routes& routes);
void add_training_routes(Routes& routes);
void add_cluster_routes(Routes& routes);
void add_muster_routes(Routes& routes);
void add_topology_routes(Routes& routes);

}  // namespace muster::control
