#include "control/control.h"

#include "control/door/routes.h"
#include "control/plane.h"

namespace muster::control {
namespace {

class Running final : public Control {
 public:
  explicit Running(std::unique_ptr<Plane> plane) : plane_(std::move(plane)) {}

  model::LineToControl& facts() override { return *plane_; }
  void connect(model::LineToCluster& line) override { plane_->sender->connect(line); }
  void disconnect() override { plane_->sender->disconnect(); }

  void add_routes(net::Router& router) override {
    router.add_filter([this](net::Request& request) { return plane_->access->filter(request); });
    Routes routes(*plane_, router);
    add_token_routes(routes);
    add_org_routes(routes);
    add_workload_routes(routes);
    add_training_routes(routes);
    add_cluster_routes(routes);
    add_muster_routes(routes);
    add_topology_routes(routes);
  }

  void set_url(const std::string& url) override {
    plane_->url = url;
    plane_->access->set_url(url);
  }

  std::string sign_in_url() override { return plane_->access->sign_in_url(plane_->access->owner()); }

  Result<void> may_read_logs(const net::Request& request, const std::string& project,
                             const std::string& workload) override {
    const Caller caller = TRY(plane_->access->caller(request));
    Lock lock(plane_->tables);
    const Project* found = plane_->organisation.project(project);
    if (found == nullptr) return not_found("there is no project \"" + project.substr(0, 80) + "\"");
    if (!plane_->may_see(caller, found->id)) {
      return denied(caller.name + " is no member of project \"" + found->name + "\"");
    }
    const Workload* one = plane_->workloads.find_live(found->id, workload);
    if (one == nullptr) {
      return not_found("project \"" + found->name + "\" has no workload \"" + workload.substr(0, 80) + "\"");
    }
    if (plane_->may_steer(caller, *one)) return {};
    return denied("workload \"" + one->name + "\" belongs to " + one->submitted_by +
                  "; its submitter or an administrator may read its logs");
  }

  Result<void> may_stop_server(const net::Request& request) override {
    const Caller caller = TRY(plane_->access->caller(request));
    if (caller.admin) return {};
    return denied(caller.name + " may not stop this server; an administrator may");
  }

  Result<void> stop_running(Deadline deadline) override {
    return plane_->stop_running(plane_->access->owner().name, deadline);
  }

  Result<void> set_machine_gpus(double gpus) override { return plane_->set_machine_gpus(gpus); }

  std::vector<std::pair<std::string, double>> counters() const override {
    const Record::Counts counts = plane_->record->counts();
    std::size_t live = 0, deleted = 0;
    {
      Lock lock(plane_->tables);
      live = plane_->workloads.live().size();
      deleted = plane_->workloads.deleted().size();
    }
    return {{"muster_control_commits_total", static_cast<double>(counts.commits)},
            {"muster_control_changes_total", static_cast<double>(counts.jobs)},
            {"muster_control_failed_commits_total", static_cast<double>(counts.failed_commits)},
            {"muster_control_workloads", static_cast<double>(live)},
            {"muster_control_deleted_workloads", static_cast<double>(deleted)},
            {"muster_control_outbox", static_cast<double>(plane_->sender->waiting())},
            {"muster_control_watchers", static_cast<double>(plane_->changes->watchers())}};
  }

 private:
  std::unique_ptr<Plane> plane_;
};

}  // namespace

Result<std::unique_ptr<Control>> Control::start(Options options) {
  std::unique_ptr<Plane> plane = TRY(Plane::start(std::move(options), system_accounts()));
  return std::unique_ptr<Control>(std::make_unique<Running>(std::move(plane)));
}

}  // namespace muster::control
