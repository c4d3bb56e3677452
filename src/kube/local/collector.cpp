// Garbage collection as the controller manager of a real cluster does it, without its delays.
#include "kube/local/collector.h"

#include <algorithm>

#include "base/log.h"
#include "kube/local/metadata.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

constexpr Duration event_lifetime = hours(1);
constexpr std::size_t most_events = 4096;
constexpr Duration look_for_old_events_every = minutes(1);
constexpr Duration sync_after_write = seconds(1);
constexpr Duration pause_after_failure = seconds(1);
constexpr std::string_view crd_cleanup = "customresourcecleanup.apiextensions.k8s.io";

Key key_of_path(std::string_view path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {"", std::string(path)};
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

// Takes references to the uids for which `gone` holds.
void drop_owners(json::Value& object, const std::function<bool(const std::string&)>& gone) {
  json::Value* owners = metadata_of(object).if_contains("ownerReferences");
  if (owners == nullptr || !owners->is_array()) return;
  json::Array& items = owners->get_array();
  items.erase(std::remove_if(items.begin(), items.end(),
                             [&](const json::Value& owner) { return gone(json::text_or(owner, "/uid")); }),
              items.end());
  if (items.empty()) metadata_of(object).erase("ownerReferences");
}

}  // namespace

Collector::Collector(std::shared_ptr<Core> core) : core_(std::move(core)), thread_([this] { run(); }) {}

Collector::~Collector() {
  core_->close();
  thread_.join();
}

std::set<Chore> Collector::wait() {
  const Lock lock(core_->mutex);
  while (core_->chores.empty() && !core_->closed) {
    const std::int64_t now = system_clock().monotonic_ms();
    if (core_->unsynced && sync_at_ms_ == 0) sync_at_ms_ = now + sync_after_write.ms;
    const bool has_events = !core_->tables.find("events")->second->objects.empty();
    if (has_events && next_expiry_ms_ == 0) next_expiry_ms_ = now + look_for_old_events_every.ms;
    std::int64_t wake = Deadline::never().monotonic_ms;
    if (sync_at_ms_ != 0) wake = std::min(wake, sync_at_ms_);
    if (has_events) wake = std::min(wake, next_expiry_ms_);
    if (wake <= now) return {};
    core_->chores_changed.wait_until(core_->mutex, {wake});
  }
  std::set<Chore> chores;
  chores.swap(core_->chores);
  return chores;
}

void Collector::run() {
  name_thread("kube-collector");
  while (true) {
    const std::set<Chore> chores = wait();
    bool failed = false;
    for (const Chore& chore : chores) {
      const Result<void> done = do_chore(chore);
      if (done.has_value() || done.error().kind == ErrorKind::NotFound) continue;
      log::warn("kube_collector", {{"error", done.error().text}});
      failed = true;
      const Lock lock(core_->mutex);
      core_->chores.insert(chore);
    }
    const std::int64_t now = system_clock().monotonic_ms();
    if (sync_at_ms_ != 0 && sync_at_ms_ <= now) {
      sync_at_ms_ = 0;
      {
        const Lock lock(core_->mutex);
        core_->unsynced = false;
      }
      const Result<void> synced = core_->sync_disk();
      if (!synced.has_value()) log::warn("kube_sync", {{"error", synced.error().text}});
    }
    if (next_expiry_ms_ != 0 && next_expiry_ms_ <= now) {
      next_expiry_ms_ = 0;
      expire_events();
    }
    const Lock lock(core_->mutex);
    if (core_->closed) return;
    if (failed) core_->chores_changed.wait_until(core_->mutex, Deadline::in(pause_after_failure));
  }
}

Result<void> Collector::do_chore(const Chore& chore) {
  switch (chore.what) {
    case Chore::What::Object:
      return look_at_object(chore);
    case Chore::What::OwnerGone:
      return owner_gone(chore.name);
    case Chore::What::Namespace:
      return empty_namespace(chore.name);
    case Chore::What::Definition:
      return empty_definition(chore.table);
  }
  return {};
}

Result<void> Collector::remove_quietly(Table& table, const Key& key, const DeleteOptions& options) {
  const Result<void> removed = core_->remove(table, key, options);
  // Gone, or made anew, meanwhile: as good.
  if (!removed.has_value() &&
      (removed.error().kind == ErrorKind::NotFound || removed.error().kind == ErrorKind::Conflict)) {
    return {};
  }
  return removed;
}

Result<void> Collector::look_at_object(const Chore& chore) {
  TablePtr table;
  Pin pin;
  {
    const Lock lock(core_->mutex);
    const auto it = core_->tables.find(chore.table);
    if (it == core_->tables.end()) return {};
    table = it->second;
    pin = table->find(chore.path);
  }
  if (pin == nullptr) return {};
  const Key key = key_of_path(chore.path);
  if (is_being_deleted(pin->object)) {
    for (const std::string_view finalizer : {"orphan", "foregroundDeletion"}) {
      if (has_finalizer(pin->object, finalizer)) return let_dependents_go(*table, key, *pin, finalizer);
    }
    return {};
  }
  return judge_by_owners(*table, key, *pin);
}

// Orphan: dependents forget their owner. Foreground: they are deleted, and the owner waits for those that block it.
Result<void> Collector::let_dependents_go(Table& table, const Key& key, const Version& owner,
                                          std::string_view finalizer) {
  const bool orphan = finalizer == "orphan";
  const std::string uid = uid_of(owner.object);
  bool waits = false;
  std::vector<Chore> dependents;
  {
    const Lock lock(core_->mutex);
    const auto it = core_->dependents.find(uid);
    if (it != core_->dependents.end()) {
      for (const std::string& dependent : it->second) {
        const auto place = core_->by_uid.find(dependent);
        if (place == core_->by_uid.end()) continue;
        dependents.push_back({Chore::What::Object, place->second.table->name, place->second.path, ""});
        const Pin pin = place->second.table->find(place->second.path);
        const json::Value* owners = metadata_of(pin->object).if_contains("ownerReferences");
        for (const json::Value& reference : owners->get_array()) {
          if (json::text_or(reference, "/uid") != uid) continue;
          waits = waits || json::bool_at(reference, "/blockOwnerDeletion").value_or(false);
        }
      }
    }
  }
  for (const Chore& dependent : dependents) {
    if (!orphan) {
      TRY(look_at_object(dependent));
      continue;
    }
    TablePtr of_dependent;
    {
      const Lock lock(core_->mutex);
      const auto it = core_->tables.find(dependent.table);
      if (it == core_->tables.end()) continue;
      of_dependent = it->second;
    }
    const auto forgotten = core_->change(*of_dependent, key_of_path(dependent.path),
                                         [&](const Contract&, const Version& old) -> Result<Next> {
                                           Next next{Next::What::Write, old.object};
                                           drop_owners(next.object, [&](const std::string& u) { return u == uid; });
                                           return next;
                                         });
    if (!forgotten.has_value() && forgotten.error().kind != ErrorKind::NotFound) return forgotten.error();
  }
  if (waits && !orphan) {
    // A dependent that went meanwhile has left this chore again.
    return {};
  }
  TRY(core_->change(table, key, [&](const Contract& contract, const Version& old) -> Result<Next> {
    if (uid_of(old.object) != uid) return Next{};
    json::Value next = old.object;
    drop_finalizer(next, finalizer);
    return prepare_update(contract, old, std::move(next));
  }));
  return {};
}

// An object whose owners are all gone, or go and wait for it, goes; references to the gone ones are taken otherwise.
Result<void> Collector::judge_by_owners(Table& table, const Key& key, const Version& object) {
  const json::Value* owners = metadata_of(object.object).if_contains("ownerReferences");
  if (owners == nullptr || !owners->is_array() || owners->get_array().empty()) return {};
  bool owned = false, waiting = false;
  std::set<std::string> gone;
  {
    const Lock lock(core_->mutex);
    for (const json::Value& owner : owners->get_array()) {
      const std::string uid = json::text_or(owner, "/uid");
      const auto it = core_->by_uid.find(uid);
      const Pin pin = it == core_->by_uid.end() ? nullptr : it->second.table->find(it->second.path);
      const std::string owner_ns = pin == nullptr ? "" : namespace_of(pin->object);
      if (pin == nullptr || (!owner_ns.empty() && owner_ns != key.ns)) {
        gone.insert(uid);
      } else if (is_being_deleted(pin->object) && has_finalizer(pin->object, "foregroundDeletion")) {
        gone.insert(uid);
        waiting = true;
      } else {
        owned = true;
      }
    }
    waiting = waiting && core_->dependents.contains(uid_of(object.object));
  }
  if (gone.empty()) return {};
  if (!owned) {
    return remove_quietly(table, key,
                          {.propagation = waiting ? Propagation::Foreground : Propagation::Background,
                           .uid = uid_of(object.object),
                           .resource_version = std::to_string(object.revision)});
  }
  TRY(core_->change(table, key, [&](const Contract&, const Version& old) -> Result<Next> {
    Next next{Next::What::Write, old.object};
    drop_owners(next.object, [&](const std::string& uid) { return gone.contains(uid); });
    return next;
  }));
  return {};
}

Result<void> Collector::owner_gone(const std::string& uid) {
  std::vector<Chore> left;
  {
    const Lock lock(core_->mutex);
    const auto it = core_->dependents.find(uid);
    if (it == core_->dependents.end()) return {};
    for (const std::string& dependent : it->second) {
      const auto place = core_->by_uid.find(dependent);
      if (place == core_->by_uid.end()) continue;
      left.push_back({Chore::What::Object, place->second.table->name, place->second.path, ""});
    }
  }
  for (const Chore& chore : left) TRY(look_at_object(chore));
  return {};
}

Result<void> Collector::empty_namespace(const std::string& name) {
  std::vector<std::pair<TablePtr, std::string>> content;
  TablePtr namespaces;
  {
    const Lock lock(core_->mutex);
    namespaces = core_->tables.find("namespaces")->second;
    const Pin pin = namespaces->find(name);
    if (pin == nullptr || !is_being_deleted(pin->object)) return {};
    const std::string prefix = name + "/";
    for (const auto& [its_name, table] : core_->tables) {
      for (auto it = table->objects.lower_bound(prefix); it != table->objects.end() && it->first.starts_with(prefix);
           ++it) {
        content.emplace_back(table, it->first);
      }
    }
  }
  if (content.empty()) {
    TRY(core_->change(*namespaces, {"", name}, [](const Contract&, const Version& old) -> Result<Next> {
      Next next{Next::What::Write, old.object};
      json::Value* spec = json::find(next.object, "/spec");
      if (spec != nullptr && spec->is_object()) spec->get_object().erase("finalizers");
      if (same_but_revision(old.object, next.object)) return Next{};
      if (!has_finalizers(next.object)) next.what = Next::What::Remove;
      return next;
    }));
    return {};
  }
  for (const auto& [table, path] : content) {
    Pin pin;
    {
      const Lock lock(core_->mutex);
      pin = table->find(path);
    }
    if (pin == nullptr || is_being_deleted(pin->object)) continue;
    TRY(remove_quietly(*table, key_of_path(path), {}));
  }
  return {};
}

Result<void> Collector::empty_definition(const std::string& name) {
  std::vector<std::string> content;
  TablePtr table, definitions;
  {
    const Lock lock(core_->mutex);
    definitions = core_->tables.find("customresourcedefinitions.apiextensions.k8s.io")->second;
    const auto it = core_->tables.find(name);
    if (it == core_->tables.end()) return {};
    table = it->second;
    for (const auto& [path, pin] : table->objects) content.push_back(path);
  }
  if (content.empty()) {
    TRY(core_->change(*definitions, {"", name}, [](const Contract& contract, const Version& old) -> Result<Next> {
      if (!is_being_deleted(old.object)) return Next{};
      json::Value next = old.object;
      drop_finalizer(next, crd_cleanup);
      return prepare_update(contract, old, std::move(next));
    }));
    return {};
  }
  for (const std::string& path : content) {
    Pin pin;
    {
      const Lock lock(core_->mutex);
      pin = table->find(path);
    }
    if (pin == nullptr || is_being_deleted(pin->object)) continue;
    TRY(remove_quietly(*table, key_of_path(path), {}));
  }
  return {};
}

void Collector::expire_events() {
  std::vector<std::pair<Time, std::string>> events;
  TablePtr table;
  {
    const Lock lock(core_->mutex);
    table = core_->tables.find("events")->second;
    events.reserve(table->objects.size());
    for (const auto& [path, pin] : table->objects) {
      const Result<Time> last = parse_rfc3339(json::text_or(pin->object, "/lastTimestamp"));
      events.emplace_back(last.has_value() ? std::max(*last, created_at(pin->object)) : created_at(pin->object), path);
    }
  }
  std::sort(events.begin(), events.end());
  const Time oldest_kept = core_->clock.now() - event_lifetime;
  std::size_t surplus = events.size() > most_events ? events.size() - most_events : 0;
  for (const auto& [at, path] : events) {
    if (surplus == 0 && at >= oldest_kept) return;
    if (surplus > 0) --surplus;
    const Result<void> removed = remove_quietly(*table, key_of_path(path), {});
    if (!removed.has_value()) {
      log::warn("kube_expire_events", {{"error", removed.error().text}});
      return;
    }
  }
}

}  // namespace muster::kube::local
