#include "control/work/workloads.h"

#include <algorithm>

#include "base/check.h"
#include "base/ids.h"

namespace muster::control {

using model::Phase;

Result<void> Workloads::load(sql::Connection& db) {
  std::vector<Workload> rows = TRY(load_workloads(db));
  const auto before = std::move(by_id_);
  by_id_.clear();
  live_names_.clear();
  live_.clear();
  deleted_.clear();
  unsaved_.clear();
  due_.clear();
  for (Workload& row : rows) {
    auto one = std::make_unique<Workload>(std::move(row));
    if (one->timeline.empty()) one->timeline.push_back({.at = one->created, .phase = one->phase, .message = {}});
    const auto known = before.find(one->id);
    if (known != before.end() && known->second->fact_is_live && !one->deleted) {
      const bool changed = apply_fact(*one, known->second->fact);
      note_unsaved(*one, changed);
    }
    note_due(*one);
    if (one->deleted) {
      deleted_.push_back(one.get());
    } else {
      live_.push_back(one.get());
      live_names_[{one->project_id, one->name}] = one.get();
    }
    by_id_[one->id] = std::move(one);
  }
  return {};
}

Workload* Workloads::known(const std::string& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

const Workload* Workloads::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

const Workload* Workloads::find_live(const std::string& project_id, const std::string& name) const {
  const auto found = live_names_.find({project_id, name});
  return found == live_names_.end() ? nullptr : found->second;
}

std::size_t Workloads::count_of_project(const std::string& project_id) const {
  std::size_t count = 0;
  for (auto it = live_names_.lower_bound({project_id, ""}); it != live_names_.end() && it->first.first == project_id;
       ++it) {
    ++count;
  }
  return count;
}

Result<std::string> Workloads::name_for(sql::Connection& db, Organisation& organisation, const Project& project,
                                        const Submission& submission) const {
  if (submission.name.empty()) {
    while (true) {
      std::string name = TRY(organisation.next_train_name(db, project.name));
      if (find_live(project.id, name) == nullptr) return name;
    }
  }
  if (submission.as_prefix) {
    while (true) {
      std::string name = submission.name + "-" + random_suffix(5);
      if (find_live(project.id, name) == nullptr) return name;
    }
  }
  if (const Workload* other = find_live(project.id, submission.name)) {
    Error error = conflict("project \"" + project.name + "\" has a workload \"" + submission.name + "\" already" +
                           (other->wanted == Wanted::Deleted ? ", which is being deleted; wait or choose another name"
                                                             : "; choose another name, or leave it out"));
    error.pointer = "/name";
    return error;
  }
  TRY(organisation.spend_train_name(db, project.name, submission.name));
  return submission.name;
}

Result<const Workload*> Workloads::accept(sql::Connection& db, Effects& effects, Time now, Organisation& organisation,
                                          const Caller& caller, const Submission& submission,
                                          const std::string& spec_text, const std::string& source) {
  const Project* project = organisation.project(submission.project);
  if (project == nullptr) return invalid("there is no project \"" + submission.project + "\"", "/projectId");
  if (project->deleting) return conflict("project \"" + project->name + "\" is being deleted");
  const Department* department = organisation.department(project->department_id);
  CHECK(department != nullptr, "a department with projects cannot be deleted");
  auto made = std::make_unique<Workload>();
  made->id = new_uuid();
  made->name = TRY(name_for(db, organisation, *project, submission));
  made->requested_name = submission.name.empty() ? made->name : submission.name;
  made->project_id = project->id;
  made->project = project->name;
  made->department_id = department->id;
  made->department = department->name;
  made->ns = project->ns;
  made->submitted_by = caller.name;
  made->source = source;
  if (caller.uid) made->uid = *caller.uid;
  if (caller.gid) made->gid = *caller.gid;
  made->spec = spec_text;
  made->timeout = submission.timeout;
  made->summary = summarize(submission.spec);
  made->created = made->updated = made->phase_at = now;
  made->timeline.push_back({.at = now, .phase = Phase::Creating, .message = {}});
  TRY(insert_workload(db, *made));
  TRY(insert_phase_changes(db, *made));
  made->saved_lines = 1;
  TRY(enqueue_desired(db, effects, desired_training(*made), made->id));
  Workload* kept = made.get();
  by_id_[kept->id] = std::move(made);
  live_names_[{kept->project_id, kept->name}] = kept;
  live_.push_back(kept);
  return static_cast<const Workload*>(kept);
}

Result<bool> Workloads::want(sql::Connection& db, Effects& effects, Time now, const std::string& id, Wanted wanted,
                             const std::string& caller) {
  Workload* one = known(id);
  if (one == nullptr || one->deleted) return not_found("there is no workload with id \"" + id + "\"");
  if (one->wanted == wanted) return false;
  if (one->wanted == Wanted::Deleted) return conflict("workload \"" + one->name + "\" is being deleted");
  // Stopping what has ended changes nothing; running it again is a new wish.
  if (one->is_final() && wanted == Wanted::Stopped) return false;
  Workload changed = *one;
  changed.wanted = wanted;
  changed.updated = now;
  // Told at once; the next fact says how far it has come.
  const Phase phase = wanted == Wanted::Deleted   ? Phase::Deleting
                      : wanted == Wanted::Stopped ? Phase::Stopping
                                                  : Phase::Resuming;
  enter_phase(changed, phase, "", "", std::max(now, changed.phase_at));
  const char* action = wanted == Wanted::Deleted ? "delete" : wanted == Wanted::Stopped ? "suspend" : "resume";
  TRY(update_workload(db, changed));
  TRY(insert_phase_changes(db, changed));
  changed.saved_lines = changed.timeline.size();
  TRY(enqueue_desired(db, effects, desired_training(changed), id));
  TRY(audit(db, now, caller, action, "workload", changed.project + "/" + changed.name, json::Object{{"id", id}}));
  *one = std::move(changed);
  return true;
}

Result<void> Workloads::send_again(sql::Connection& db, Effects& effects, const std::string& id) {
  const Workload* one = find(id);
  if (one == nullptr || one->deleted) return {};
  return enqueue_desired(db, effects, desired_training(*one), id);
}

void Workloads::note_unsaved(const Workload& one, bool phase_changed) {
  unsaved_.insert(one.id);
  if (phase_changed) note_due(one);
}

void Workloads::note_due(const Workload& one) {
  if (one.deleted) {
    due_.emplace(*one.deleted + kept_after_deletion, one.id);
  } else if (one.is_final() && one.wanted != Wanted::Deleted) {
    due_.emplace(one.completed.value_or(one.phase_at) + seconds(one.summary.delete_after_seconds), one.id);
  }
}

bool Workloads::take_fact(const std::string& id, std::shared_ptr<const json::Value> fact) {
  Workload* one = known(id);
  if (one == nullptr || one->deleted) return false;
  const auto exit_code = one->exit_code;
  const std::int64_t restarts = one->restarts;
  const bool changed = apply_fact(*one, std::move(fact));
  if (changed || exit_code != one->exit_code || restarts != one->restarts) note_unsaved(*one, changed);
  return true;
}

bool Workloads::take_gone(const std::string& id, Time now) {
  Workload* one = known(id);
  if (one == nullptr || one->deleted) return false;
  one->deleted = std::max(now, one->phase_at);
  one->updated = *one->deleted;
  one->wanted = Wanted::Deleted;
  one->entity.clear();
  live_names_.erase({one->project_id, one->name});
  std::erase(live_, one);
  deleted_.push_back(one);
  note_unsaved(*one, false);
  note_due(*one);
  return true;
}

Result<void> Workloads::save(sql::Connection& db) {
  for (const std::string& id : unsaved_) {
    const Workload* one = find(id);
    if (one == nullptr) continue;
    TRY(update_workload(db, *one));
    TRY(insert_phase_changes(db, *one));
  }
  for (const std::string& id : unsaved_) {
    if (Workload* one = known(id)) one->saved_lines = one->timeline.size();
  }
  unsaved_.clear();
  return {};
}

Workloads::Due Workloads::due(Time now, std::size_t most) {
  Due out;
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::string id = due_.begin()->second;
    due_.erase(due_.begin());
    const Workload* one = find(id);
    if (one == nullptr) continue;
    if (one->deleted) {
      if (*one->deleted + kept_after_deletion <= now) out.to_forget.push_back(id);
    } else if (one->is_final() && one->wanted != Wanted::Deleted) {
      // It may have run again meanwhile and ended later.
      const Time at = one->completed.value_or(one->phase_at) + seconds(one->summary.delete_after_seconds);
      if (at <= now) {
        out.to_delete.push_back(id);
      } else {
        due_.emplace(at, id);
      }
    }
  }
  std::vector<const Workload*> ended;
  for (const Workload* one : live_) {
    if (one->is_final() && one->wanted != Wanted::Deleted) ended.push_back(one);
  }
  if (ended.size() <= most) return out;
  const auto surplus = static_cast<std::ptrdiff_t>(ended.size() - most);
  const auto end_of = [](const Workload* one) { return one->completed.value_or(one->phase_at); };
  std::nth_element(ended.begin(), ended.begin() + surplus, ended.end(), [&](const Workload* a, const Workload* b) {
    return std::pair(end_of(a), a->id) < std::pair(end_of(b), b->id);
  });
  for (auto it = ended.begin(); it != ended.begin() + surplus; ++it) {
    if (std::find(out.to_delete.begin(), out.to_delete.end(), (*it)->id) == out.to_delete.end())
      out.to_delete.push_back((*it)->id);
  }
  return out;
}

std::optional<Time> Workloads::next_due() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

Result<void> Workloads::forget(sql::Connection& db, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    TRY(db.execute("DELETE FROM phase_change WHERE workload_id = ?", {id}));
    TRY(db.execute("DELETE FROM workload WHERE id = ?", {id}));
  }
  for (const std::string& id : ids) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) continue;
    std::erase(deleted_, found->second.get());
    unsaved_.erase(id);
    by_id_.erase(found);
  }
  return {};
}

}  // namespace muster::control
