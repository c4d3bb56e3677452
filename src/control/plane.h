#pragma once
// Plane: the parts of the running control plane, wired: the tables in memory under one lock, the record, the line, the
// watchers. Routes and the cluster's end work on it.

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/threads.h"
#include "control/access/access.h"
#include "control/clusters/cluster_view.h"
#include "control/clusters/sender.h"
#include "control/control.h"
#include "control/door/changes.h"
#include "control/org/organisation.h"
#include "control/org/topologies.h"
#include "control/record/record.h"
#include "control/work/workloads.h"

namespace muster::control {

class Plane final : public model::LineToControl {
 public:
  static Result<std::unique_ptr<Plane>> start(Options options, const Accounts& accounts);
  ~Plane() override;

  // The cluster's end.
  void report(std::vector<model::Fact> facts) override;
  void applied(std::uint64_t sequence) override;

  Result<void> set_machine_gpus(double gpus);
  // Deletes what has ended long enough ago and forgets what was deleted long ago.
  void keep_house();

  // Requires: the lock of the tables is held.
  bool may_see(const Caller& caller, const std::string& project) const;
  // Runs a workload's end or rest: only its submitter or an administrator may.
  bool may_steer(const Caller& caller, const Workload& workload) const;

  // A change of one workload, told to watchers after the commit.
  Result<void> want(const std::string& id, Wanted wanted, const Caller& caller);
  // Stops what runs or is about to, as its submitters would; what waits goes on waiting. Returns once the cluster
  // knows.
  Result<void> stop_running(const std::string& caller, Deadline deadline);
  void mark_workload(const Workload& workload);
  void mark_project(const std::string& project);
  void mark_projects();

  Time now() const { return options.clock->now(); }

  Options options;
  std::string cluster_id, url;
  Time started_at, cluster_created;
  mutable Mutex tables;
  // Guarded by `tables`.
  Organisation organisation;
  Topologies topologies;
  Workloads workloads;
  ClusterView view;
  double machine_gpus = 0;

  std::unique_ptr<Record> record;
  std::unique_ptr<Access> access;
  std::unique_ptr<Changes> changes;
  std::unique_ptr<Sender> sender;

 private:
  explicit Plane(Options with) : options(std::move(with)) {}
  Result<void> open(const Accounts& accounts);
  Result<void> first_start(sql::Connection& db, Effects& effects);
  Result<void> set_first_quota(sql::Connection& db, Effects& effects, double gpus);
  std::optional<Changes::Told> render(const ChangeKey& key) const;
  void take(const model::Fact& fact);
  void take_workload(const model::Fact& fact, Body body);
  void after_sync();
  void save_later();
  void finish_project(const std::string& project_id);
  void watch_house(std::stop_token stop);

  bool save_scheduled_ = false;  // guarded by `tables`
  Mutex house_mutex_;
  Condition house_changed_;
  bool house_dirty_ = false;  // guarded by house_mutex_
  std::jthread house_;
};

}  // namespace muster::control
