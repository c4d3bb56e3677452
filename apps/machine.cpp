#include "apps/machine.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "apps/console.h"
#include "base/json.h"
#include "base/log.h"
#include "cluster/cluster.h"
#include "control/control.h"
#include "kube/kinds.h"
#include "kube/local/store.h"
#include "kube/objects.h"
#include "model/names.h"
#include "net/server.h"
#include "node/node.h"

namespace muster::apps {
namespace {

std::string host_name() {
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Devices of all nodes, as the node part has registered them.
double count_gpus(kube::Api& api) {
  const Result<kube::List> nodes = api.list(kube::kinds::node, {});
  if (!nodes.has_value()) return 0;
  double count = 0;
  for (const json::Value& node : nodes->items) {
    const Result<json::Value> devices = json::parse(kube::annotation_of(node, model::keys::node_devices_annotation));
    if (devices.has_value() && devices->is_array()) count += static_cast<double>(devices->get_array().size());
  }
  return count;
}

struct SocketPlace {
  std::string path;
  mode_t mode;
};

// Root: a socket that every local account may open, whose peers are told apart by uid. User mode: the owner's alone.
Result<SocketPlace> socket_place(const DataFolder& folder, bool root_mode) {
  if (!root_mode) return SocketPlace{folder.path() + "/muster.sock", 0600};
  if (folder.path() != "/var/lib/muster") return SocketPlace{folder.path() + "/muster.sock", 0666};
  TRY(make_folders("/run/muster", 0755));
  return SocketPlace{"/run/muster/muster.sock", 0666};
}

class OneMachine final : public Machine {
 public:
  ~OneMachine() override {
    if (server_) server_->stop(seconds(2));
    if (control_) control_->disconnect();
    cluster_.reset();
    node_.reset();
    control_.reset();
    kube_.reset();
  }

  Result<void> begin(const DataFolder& folder, const MachineOptions& options) {
    const bool root_mode = ::geteuid() == 0;
    host_ = host_name();
    const SocketPlace socket = TRY(socket_place(folder, root_mode));
    server_ = TRY(net::Server::listen({.address = options.address,
                                       .port = options.port,
                                       .unix_socket = socket.path,
                                       .unix_mode = socket.mode,
                                       .workers = 8}));
    url_ = "http://" +
           (options.address.find(':') != std::string::npos ? "[" + options.address + "]" : options.address) + ":" +
           std::to_string(server_->port());
    kube_ = TRY(kube::LocalApi::open({.path = folder.path() + "/kube.db"}));
    node_ = TRY(node::NodeAgent::start({.api = kube_.get(),
                                        .folder = folder.path() + "/node",
                                        .gpus = options.gpus,
                                        .program = options.program,
                                        .host_name = host_,
                                        .root_mode = root_mode}));
    gpus_ = count_gpus(*kube_);
    const std::string token = TRY(folder.owner_token());
    control_ = TRY(control::Control::start({.folder = folder.path(),
                                            .owner_token = token,
                                            .root_mode = root_mode,
                                            .cluster_name = host_,
                                            .machine_gpus = gpus_,
                                            .simulated = !node_->simulated().empty()}));
    control_->set_url(url_);
    cluster_ = TRY(cluster::Cluster::start({.api = kube_.get(),
                                            .streams = &node_->streams(),
                                            .control = &control_->facts(),
                                            .state_folder = folder.path()}));
    control_->connect(cluster_->line());
    add_routes();
    server_->serve(router_);
    return {};
  }

  std::string url() const override { return url_; }
  std::string sign_in_url() override { return control_->sign_in_url(); }
  std::string simulated() const override { return node_->simulated(); }
  double gpus() const override { return gpus_; }
  std::string host() const override { return host_; }
  Asked asked() const override { return asked_.load(); }
  Result<void> end_workloads(Deadline deadline) override {
    const Result<void> stopped = control_->stop_running(Deadline::in(seconds(10)));
    // Their processes end whatever the record says.
    TRY(node_->end_all(deadline));
    return stopped;
  }

 private:
  void add_routes() {
    control_->add_routes(router_);
    cluster_->add_gate_routes(
        router_, [this](const net::Request& request, const std::string& project, const std::string& workload) {
          return control_->may_read_logs(request, project, workload);
        });
    router_.add_open("GET", "/healthz",
                     [](const net::Request&) { return net::json_response(200, json::Object{{"status", "ok"}}); });
    router_.add_open("GET", "/readyz", [this](const net::Request&) {
      if (!cluster_->is_ready()) return net::error_response(unavailable("the cluster part is still reading its lists"));
      return net::json_response(200, json::Object{{"status", "ready"}});
    });
    router_.add("GET", "/metrics", [this](const net::Request&) {
      net::Response response;
      response.content_type = "text/plain; version=0.0.4";
      response.body = cluster_->metrics();
      for (const auto& [name, value] : control_->counters())
        response.body += name + " " + json::write(json::Value(value)) + "\n";
      return response;
    });
    router_.add("POST", "/api/muster/v1/down", [this](const net::Request& request) { return down(request); });
    router_.set_fallback(serve_console, {"/api/", "/gate/", "/metrics"});
  }

  net::Response down(const net::Request& request) {
    const Result<void> may = control_->may_stop_server(request);
    if (!may.has_value()) return net::error_response(may.error());
    const Result<json::Value> body = json::parse(request.body.empty() ? "{}" : request.body);
    const bool workloads = body.has_value() && json::bool_at(*body, "/workloads").value_or(false);
    asked_ = workloads ? Asked::StopWithWorkloads : Asked::Stop;
    ::kill(::getpid(), SIGTERM);
    return net::json_response(202, json::Object{{"pid", ::getpid()}});
  }

  std::string url_, host_;
  double gpus_ = 0;
  std::atomic<Asked> asked_ = Asked::Nothing;
  net::Router router_;
  std::unique_ptr<kube::LocalApi> kube_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<node::NodeAgent> node_;
  std::unique_ptr<cluster::Cluster> cluster_;
};

}  // namespace

Result<std::unique_ptr<Machine>> Machine::start(const DataFolder& folder, const MachineOptions& options) {
  auto machine = std::make_unique<OneMachine>();
  TRY(machine->begin(folder, options));
  return std::unique_ptr<Machine>(std::move(machine));
}

}  // namespace muster::apps
