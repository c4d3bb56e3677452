#include "control/plane.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "control/door/org_json.h"
#include "control/work/entity.h"
#include "model/names.h"

namespace muster::control {
namespace {

Result<std::string> meta(sql::Connection& db, const std::string& key) {
  const auto rows = TRY(db.query("SELECT value FROM meta WHERE key = ?", {key}));
  return rows.empty() ? std::string() : rows.front().text(0);
}

Result<void> set_meta(sql::Connection& db, const std::string& key, const std::string& value) {
  TRY(db.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                 {key, value}));
  return {};
}

UnitChange first_unit(double gpus) {
  UnitChange change{.name = std::string(default_pool), .caller = "muster"};
  change.resources = json::Array{json::Object{{"gpu", json::Object{{"deserved", gpus}}}}};
  return change;
}

}  // namespace

Result<std::unique_ptr<Plane>> Plane::start(Options options, const Accounts& accounts) {
  if (options.clock == nullptr) options.clock = &system_clock();
  std::unique_ptr<Plane> plane(new Plane(std::move(options)));
  TRY(plane->open(accounts));
  return plane;
}

Result<void> Plane::open(const Accounts& accounts) {
  started_at = now();
  sender = std::make_unique<Sender>();
  changes = std::make_unique<Changes>([this](const ChangeKey& key) { return render(key); },
                                      static_cast<std::uint64_t>(started_at.ms) * 1000);
  Record::Hooks hooks{.tables = &tables,
                      .reload = [this](sql::Connection& db) -> Result<void> {
                        TRY(organisation.load(db));
                        TRY(topologies.load(db));
                        return workloads.load(db);
                      },
                      .on_desired = [this](std::vector<model::Desired> desired) { sender->add(std::move(desired)); }};
  record = TRY(Record::open(options.folder + "/control.db", std::move(hooks)));
  sql::Connection& db = record->connection();
  access = std::make_unique<Access>(Access::Options{.owner_token = options.owner_token,
                                                    .root_mode = options.root_mode,
                                                    .accounts = &accounts,
                                                    .clock = options.clock,
                                                    .record = record.get()});
  TRY(access->load(db));
  TRY(sender->load(db));
  {
    Lock lock(tables);
    machine_gpus = options.machine_gpus;
    TRY(organisation.load(db));
    TRY(topologies.load(db));
    TRY(workloads.load(db));
  }
  const Result<void> done =
      record->commit([this](sql::Connection& on, Effects& effects) { return first_start(on, effects); });
  TRY(done);
  house_ = std::jthread([this](std::stop_token stop) { watch_house(stop); });
  return {};
}

Plane::~Plane() {
  if (sender) sender->disconnect();
  house_.request_stop();
  {
    Lock lock(house_mutex_);
    house_changed_.notify_all();
  }
  if (house_.joinable()) house_.join();
  // Writes what is still lazy, and tells the watchers; their thread ends after it.
  record.reset();
  changes.reset();
}

Result<void> Plane::first_start(sql::Connection& db, Effects& effects) {
  cluster_id = TRY(meta(db, "cluster-id"));
  if (!cluster_id.empty()) {
    const std::string created = TRY(meta(db, "created-at"));
    if (const Result<Time> time = parse_rfc3339(created); time.has_value()) cluster_created = *time;
    return {};
  }
  cluster_id = new_uuid();
  cluster_created = now();
  TRY(set_meta(db, "cluster-id", cluster_id));
  TRY(set_meta(db, "created-at", to_rfc3339(cluster_created)));
  // The cluster passes over numbers that it has seen. Should this file be made anew beside an old cluster, its numbers
  // must still be larger.
  TRY(db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", {cluster_created.ms}));
  TRY(enqueue_desired(
      db, effects, {.kind = "NodePool", .ns = {}, .name = std::string(default_pool), .object = desired_default_pool()},
      std::string(default_pool)));
  TRY(organisation.create_department(db, effects, now(), first_unit(machine_gpus)));
  TRY(organisation.create_project(db, effects, now(), first_unit(machine_gpus)));
  if (machine_gpus > 0) TRY(set_meta(db, "first-quota", "set"));
  return {};
}

Result<void> Plane::set_first_quota(sql::Connection& db, Effects& effects, double gpus) {
  if (!TRY(meta(db, "first-quota")).empty()) return {};
  const UnitChange change = first_unit(gpus);
  const Department& department = organisation.default_department();
  TRY(organisation.change_department(db, effects, now(), department.id, change, 0));
  if (const Project* project = organisation.project(std::string(default_pool))) {
    TRY(organisation.change_project(db, effects, now(), project->id, change, 0));
  }
  return set_meta(db, "first-quota", "set");
}

Result<void> Plane::set_machine_gpus(double gpus) {
  const Result<void> done = record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    if (gpus > 0) TRY(set_first_quota(db, effects, gpus));
    machine_gpus = gpus;
    return {};
  });
  TRY(done);
  mark_projects();
  return {};
}

bool Plane::may_see(const Caller& caller, const std::string& project) const {
  if (caller.admin) return true;
  const Project* found = organisation.project(project);
  return found != nullptr && std::binary_search(found->members.begin(), found->members.end(), caller.name);
}

bool Plane::may_steer(const Caller& caller, const Workload& workload) const {
  if (caller.admin) return true;
  const bool submitter =
      caller.uid && workload.uid && *workload.uid == std::int64_t{*caller.uid} && workload.submitted_by == caller.name;
  return submitter && may_see(caller, workload.project_id);
}

void Plane::mark_workload(const Workload& workload) {
  changes->mark({.kind = ChangeKind::Workload, .key = workload.id, .project = workload.project});
}

void Plane::mark_project(const std::string& project) {
  changes->mark({.kind = ChangeKind::Project, .key = project, .project = project});
}

void Plane::mark_projects() {
  Lock lock(tables);
  for (const auto& [id, project] : organisation.projects()) mark_project(project.name);
}

std::optional<Changes::Told> Plane::render(const ChangeKey& key) const {
  Lock lock(tables);
  switch (key.kind) {
    case ChangeKind::Workload: {
      const Workload* one = workloads.find(key.key);
      if (one != nullptr && !one->deleted) return Changes::Told{"workload", entity_text(*one, cluster_id, now())};
      return Changes::Told{"workload-gone", json::write(json::Object{{"id", key.key}})};
    }
    case ChangeKind::Project: {
      const Project* one = organisation.project(key.key);
      if (one != nullptr) return Changes::Told{"project", json::write(share_json(*this, *one))};
      return Changes::Told{"project-gone", json::write(json::Object{{"name", key.key}})};
    }
    case ChangeKind::Node: {
      const Body body = view.node(key.key);
      if (body != nullptr) return Changes::Told{"node", json::write(*body)};
      return Changes::Told{"node-gone", json::write(json::Object{{"name", key.key}})};
    }
    case ChangeKind::Activity: {
      const Body body = view.event(key.key);
      if (body == nullptr) return std::nullopt;
      return Changes::Told{"activity", json::write(*body)};
    }
  }
  return std::nullopt;
}

Result<void> Plane::want(const std::string& id, Wanted wanted, const Caller& caller) {
  return record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const Workload* one = workloads.find(id);
    if (one == nullptr || one->deleted) return not_found("there is no workload with id \"" + id + "\"");
    if (!may_steer(caller, *one)) {
      return denied("workload \"" + one->name + "\" belongs to " + one->submitted_by +
                    "; its submitter or an administrator may do this");
    }
    TRY(workloads.want(db, effects, now(), id, wanted, caller.name));
    effects.announce.push_back([this, id, project = one->project] {
      changes->mark({.kind = ChangeKind::Workload, .key = id, .project = project});
    });
    return {};
  });
}

Result<void> Plane::stop_running(const std::string& caller, Deadline deadline) {
  const Result<void> stopped = record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    for (const Workload* one : workloads.live()) {
      if (one->wanted != Wanted::Running) continue;
      if (one->phase != model::Phase::Running && one->phase != model::Phase::Initializing) continue;
      TRY(workloads.want(db, effects, now(), one->id, Wanted::Stopped, caller));
      effects.announce.push_back([this, id = one->id, project = one->project] {
        changes->mark({.kind = ChangeKind::Workload, .key = id, .project = project});
      });
    }
    return {};
  });
  TRY(stopped);
  if (!sender->settle(deadline)) return timed_out("telling the cluster to stop what runs");
  return {};
}

void Plane::report(std::vector<model::Fact> facts) {
  bool synced = false;
  {
    Lock lock(tables);
    for (model::Fact& fact : facts) {
      take(fact);
      synced = synced || fact.kind == "synced";
    }
    save_later();
  }
  if (synced) after_sync();
}

void Plane::take(const model::Fact& fact) {
  auto body = std::make_shared<const json::Value>(fact.body);
  if (fact.kind == "workload") {
    take_workload(fact, std::move(body));
  } else if (fact.kind == "queue") {
    const std::string project = json::text_or(fact.body, "/project");
    if (fact.gone) {
      view.drop_queue(fact.key);
    } else {
      view.take_queue(fact.key, std::move(body));
    }
    if (!project.empty()) mark_project(project);
  } else if (fact.kind == "node") {
    if (fact.gone) {
      view.drop_node(fact.key);
    } else {
      view.take_node(fact.key, std::move(body));
    }
    changes->mark({.kind = ChangeKind::Node, .key = fact.key, .project = {}});
  } else if (fact.kind == "event" && !fact.gone) {
    view.take_event(fact.key, body);
    const Workload* one = workloads.find(json::text_or(*body, "/workloadId"));
    changes->mark({.kind = ChangeKind::Activity, .key = fact.key, .project = one == nullptr ? "" : one->project});
  } else if (fact.kind == "synced") {
    view.synced = true;
  }
}

void Plane::take_workload(const model::Fact& fact, Body body) {
  const Workload* one = workloads.find(fact.key);
  if (one == nullptr || one->deleted) return;
  if (!fact.gone) {
    if (workloads.take_fact(fact.key, std::move(body))) mark_workload(*one);
    return;
  }
  if (!workloads.take_gone(fact.key, now())) return;
  mark_workload(*one);
  finish_project(one->project_id);
}

// The last workload of a project that is being deleted takes the project with it.
void Plane::finish_project(const std::string& project_id) {
  const Project* project = organisation.project(project_id);
  if (project == nullptr || !project->deleting || workloads.count_of_project(project_id) > 0) return;
  record->commit_later([this, project_id](sql::Connection& db, Effects& effects) -> Result<void> {
    const Project* found = organisation.project(project_id);
    if (found == nullptr || !found->deleting || workloads.count_of_project(project_id) > 0) return {};
    const std::string name = found->name;
    TRY(organisation.remove_project(db, effects, project_id));
    effects.announce.push_back([this, name] { mark_project(name); });
    return {};
  });
}

void Plane::save_later() {
  if (save_scheduled_ || !workloads.has_unsaved()) return;
  save_scheduled_ = true;
  record->commit_later([this](sql::Connection& db, Effects& effects) -> Result<void> {
    save_scheduled_ = false;
    effects.announce.push_back([this] {
      Lock lock(house_mutex_);
      house_dirty_ = true;
      house_changed_.notify_one();
    });
    return workloads.save(db);
  });
}

void Plane::applied(std::uint64_t sequence) {
  const std::vector<model::Desired> settled = sender->applied(sequence);
  if (settled.empty()) return;
  record->commit_later([sequence](sql::Connection& db, Effects&) -> Result<void> {
    TRY(db.execute("DELETE FROM outbox WHERE sequence <= ?", {static_cast<std::int64_t>(sequence)}));
    return {};
  });
  Lock lock(tables);
  for (const model::Desired& entry : settled) {
    if (!entry.remove || entry.kind != "Training") continue;
    // Removed before the cluster ever spoke of it: nobody else will say that it is gone.
    const std::string id = json::text_or(entry.object, "/metadata/labels/muster.dev~1workload-id");
    const Workload* one = workloads.find(id);
    if (one == nullptr || one->deleted || one->fact_is_live) continue;
    if (!workloads.take_gone(id, now())) continue;
    mark_workload(*one);
    finish_project(one->project_id);
  }
  save_later();
}

// What the cluster does not know although it says to have applied it was lost there: it is sent again.
void Plane::after_sync() {
  record->commit_later([this](sql::Connection& db, Effects& effects) -> Result<void> {
    for (const auto& [id, department] : organisation.departments()) {
      const std::string queue = model::queue_of_department(department.name, default_pool);
      if (view.queue(queue) != nullptr || sender->is_waiting("Department", "", department.name)) continue;
      TRY(enqueue_desired(
          db, effects,
          {.kind = "Department", .ns = {}, .name = department.name, .object = desired_department(department)}, id));
    }
    for (const auto& [id, project] : organisation.projects()) {
      const std::string queue = model::queue_of_project(project.name, default_pool);
      const Department* parent = organisation.department(project.department_id);
      if (parent == nullptr || view.queue(queue) != nullptr || sender->is_waiting("Project", "", project.name))
        continue;
      TRY(enqueue_desired(
          db, effects,
          {.kind = "Project", .ns = {}, .name = project.name, .object = desired_project(project, parent->name)}, id));
    }
    TRY(topologies.send_again(db, effects));
    const std::vector<Workload*> all = workloads.live();
    for (const Workload* one : all) {
      if (one->fact_is_live || sender->is_waiting("Training", one->ns, one->name)) continue;
      if (one->wanted == Wanted::Deleted) {
        if (workloads.take_gone(one->id, now())) mark_workload(*one);
        finish_project(one->project_id);
        continue;
      }
      if (one->is_final()) continue;
      log::warn("workload.sent_again", {{"workload", one->id}, {"reason", "the cluster does not know it"}});
      TRY(workloads.send_again(db, effects, one->id));
    }
    return workloads.save(db);
  });
}

void Plane::keep_house() {
  Workloads::Due due;
  {
    Lock lock(tables);
    due = workloads.due(now());
  }
  if (!due.to_delete.empty()) {
    const Result<void> deleted = record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
      for (const std::string& id : due.to_delete) {
        TRY(workloads.want(db, effects, now(), id, Wanted::Deleted, "auto-deletion"));
        if (const Workload* one = workloads.find(id)) mark_workload(*one);
      }
      return {};
    });
    if (!deleted.has_value()) log::warn("house.not_deleted", {{"error", deleted.error().text}});
  }
  if (due.to_forget.empty()) return;
  const Result<void> forgotten = record->commit([&](sql::Connection& db, Effects&) -> Result<void> {
    TRY(workloads.forget(db, due.to_forget));
    for (const std::string& id : due.to_forget) view.forget(id);
    return {};
  });
  if (!forgotten.has_value()) log::warn("house.not_forgotten", {{"error", forgotten.error().text}});
}

void Plane::watch_house(std::stop_token stop) {
  name_thread("house");
  while (!stop.stop_requested()) {
    keep_house();
    std::optional<Time> next;
    {
      Lock lock(tables);
      next = workloads.next_due();
    }
    // Wall time may jump: look again within the hour.
    const Duration longest = minutes(60);
    const Duration wait = next ? std::clamp(*next - now(), milliseconds(50), longest) : longest;
    const Deadline deadline = Deadline::in(wait);
    Lock lock(house_mutex_);
    while (!stop.stop_requested() && !house_dirty_ && !deadline.passed()) {
      house_changed_.wait_until(house_mutex_, deadline);
    }
    house_dirty_ = false;
  }
}

}  // namespace muster::control
