// Reads, the optimistic write loop, and the single place where a state changes.
#include "kube/local/core.h"

#include "base/check.h"
#include "base/ids.h"
#include "kube/kinds.h"
#include "kube/local/metadata.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

constexpr std::size_t most_objects = 20'000;
constexpr std::size_t most_object_bytes = 1 << 20;
constexpr int generated_name_attempts = 8;
constexpr std::string_view definitions = "customresourcedefinitions.apiextensions.k8s.io";
constexpr std::string_view crd_cleanup = "customresourcecleanup.apiextensions.k8s.io";

bool is_kept_namespace(std::string_view name) { return name == "default" || name == "kube-system"; }

// The text for the disk: resourceVersion is a column of its own.
std::string text_without_revision(json::Value& object) {
  metadata_of(object).erase("resourceVersion");
  return json::write(object);
}

const json::Array* owners_of(const json::Value& object) {
  const json::Value* owners = metadata_of(object).if_contains("ownerReferences");
  return owners != nullptr && owners->is_array() ? &owners->get_array() : nullptr;
}

// A definition that can be read is served at once.
Result<void> establish(json::Value& crd, Time now) {
  TRY(read_crd(crd));
  json::Array conditions;
  for (const char* type : {"NamesAccepted", "Established"}) {
    conditions.push_back(
        json::Object{{"type", type}, {"status", "True"}, {"lastTransitionTime", to_rfc3339_seconds(now)}});
  }
  json::set_at(crd, "/status/conditions", std::move(conditions));
  return {};
}

void name_new(json::Value& object) {
  std::string prefix = json::text_or(object, "/metadata/generateName");
  if (prefix.size() > 58) prefix.resize(58);
  metadata_of(object)["name"] = prefix + random_suffix(5);
}

}  // namespace

Result<TablePtr> Core::table_of(const Kind& kind) {
  const Lock lock(mutex);
  const auto it = tables.find(table_name(kind));
  if (it == tables.end() || it->second->contract->kind.version != kind.version) {
    return not_found("the cluster does not know the kind " + kind.kind + " of " + kind.api_version() +
                     "; register its CustomResourceDefinition first");
  }
  return it->second;
}

std::shared_ptr<const Contract> Core::contract_of(const Table& table) {
  const Lock lock(mutex);
  return table.contract;
}

Result<Pin> Core::get(const Table& table, const Key& key) {
  const Lock lock(mutex);
  Pin pin = table.find(path_of(key));
  if (pin == nullptr) return not_found(title(table.contract->kind, key) + ": not found");
  return pin;
}

Result<void> Core::check_room(const Table& table, const json::Value& object) {
  if (table.dropped) return not_found(title(table.contract->kind, object) + ": its definition is gone");
  // What is there already is said to be there, so that a start at the limit goes well.
  if (objects_ >= most_objects && table.find(path_of(key_of(object))) == nullptr) {
    return exhausted("creating " + title(table.contract->kind, object) + ": the store holds " +
                     std::to_string(most_objects) + " objects; delete some");
  }
  const std::string ns = namespace_of(object);
  if (ns.empty()) return {};
  const Pin home = tables.find("namespaces")->second->find(ns);
  if (home == nullptr) {
    return not_found("creating " + title(table.contract->kind, object) + ": namespace " + ns + " not found");
  }
  if (is_being_deleted(home->object)) {
    return denied("creating " + title(table.contract->kind, object) + ": namespace " + ns + " is being deleted");
  }
  return {};
}

Result<void> Core::take_priority(json::Value& pod) {
  const std::string name = json::text_or(pod, "/spec/priorityClassName");
  json::Value its_class;
  {
    const Lock lock(mutex);
    for (const auto& [path, pin] : tables.find("priorityclasses.scheduling.k8s.io")->second->objects) {
      const bool is_default = name.empty() && json::bool_at(pin->object, "/globalDefault").value_or(false);
      if (path == name || is_default) its_class = pin->object;
    }
  }
  if (its_class.is_null() && !name.empty()) {
    return denied("creating " + title(kinds::pod, pod) + ": no priority class " + name + " exists");
  }
  const std::int64_t value = json::integer_at(its_class, "/value").value_or(0);
  if (json::integer_at(pod, "/spec/priority").value_or(value) != value) {
    return denied("creating " + title(kinds::pod, pod) + ": the priority of its class is " + std::to_string(value) +
                  "; leave out spec.priority");
  }
  if (!its_class.is_null()) json::set_at(pod, "/spec/priorityClassName", json::Value(name_of(its_class)));
  json::set_at(pod, "/spec/priority", value);
  json::set_at(pod, "/spec/preemptionPolicy",
               json::Value(json::text_or(its_class, "/preemptionPolicy", "PreemptLowerPriority")));
  return {};
}

Result<Pin> Core::create(Table& table, json::Value object) {
  const std::shared_ptr<const Contract> contract = contract_of(table);
  TRY(prepare_create(*contract, object, clock.now()));
  if (table.name == definitions) TRY(establish(object, clock.now()));
  if (table.name == "pods") TRY(take_priority(object));
  metadata_of(object)["uid"] = new_uuid();
  const bool generated = name_of(object).empty() && !json::text_or(object, "/metadata/generateName").empty();
  if (!generated && name_of(object).empty()) {
    return unprocessable("creating " + contract->kind.plural + ": name or generateName is required", "/metadata");
  }
  for (int attempt = 0;; ++attempt) {
    if (generated) name_new(object);
    if (table.name == "namespaces") {
      json::set_at(object, "/metadata/labels/kubernetes.io~1metadata.name", json::Value(name_of(object)));
    }
    TRY(check_metadata(*contract, object));
    const std::string path = path_of(key_of(object));
    const Lock lock(mutex);
    TRY(check_room(table, object));
    if (table.find(path) == nullptr) {
      return record(table, path, nullptr, {Next::What::Write, std::move(object)});
    }
    if (!generated || attempt >= generated_name_attempts) {
      return conflict("creating " + title(contract->kind, object) + ": already exists");
    }
  }
}

Result<Pin> Core::change(Table& table, const Key& key, const Verb& verb) {
  const std::string path = path_of(key);
  while (true) {
    const std::shared_ptr<const Contract> contract = contract_of(table);
    const Pin before = TRY(get(table, key));
    Next next = TRY(verb(*contract, *before));
    if (next.what == Next::What::Keep) return before;
    if (next.what == Next::What::Write && table.name == definitions) {
      TRY(read_crd(next.object));
    }
    const Lock lock(mutex);
    if (table.find(path) != before) continue;
    const bool removed = next.what == Next::What::Remove;
    Pin after = TRY(record(table, path, before, std::move(next)));
    return removed ? nullptr : after;
  }
}

Result<void> Core::remove(Table& table, const Key& key, const DeleteOptions& options) {
  const Verb verb = [&](const Contract& contract, const Version& old) -> Result<Next> {
    Next next = TRY(prepare_removal(contract, old, options, clock.now()));
    // Namespaces and definitions first lose what they hold: the collector sees to that and removes them.
    if (contract.kind.kind == "Namespace" && json::find(old.object, "/spec/finalizers/0") != nullptr) {
      if (is_being_deleted(old.object)) {
        return conflict("deleting " + title(contract.kind, key) + ": is being deleted already; its content goes first");
      }
      if (is_kept_namespace(key.name)) return denied("deleting " + title(contract.kind, key) + ": it always exists");
      json::set_at(next.object, "/metadata/deletionTimestamp", json::Value(to_rfc3339_seconds(clock.now())));
      json::set_at(next.object, "/status/phase", "Terminating");
      next.what = Next::What::Write;
    }
    if (contract.kind.kind == "CustomResourceDefinition" && next.what == Next::What::Remove) {
      json::set_at(next.object, "/metadata/deletionTimestamp", json::Value(to_rfc3339_seconds(clock.now())));
      add_finalizer(next.object, crd_cleanup);
      next.what = Next::What::Write;
    }
    return next;
  };
  TRY(change(table, key, verb));
  return {};
}

Result<Pin> Core::record(Table& table, const std::string& path, const Pin& before, Next next) {
  const bool removed = next.what == Next::What::Remove;
  const std::int64_t row = before == nullptr ? disk_->next_row() : before->row;
  std::size_t bytes = before == nullptr ? 0 : before->bytes;
  if (removed) {
    TRY(disk_->drop(row, revision + 1));
  } else {
    std::string text = text_without_revision(next.object);
    bytes = text.size();
    if (bytes > most_object_bytes) {
      Error error = invalid(title(table.contract->kind, next.object) + ": has " + std::to_string(bytes) +
                            " bytes; at most " + std::to_string(most_object_bytes) + " are taken");
      error.status = 413;
      return error;
    }
    TRY(disk_->put({row, table.name, path, revision + 1, std::move(text)}, before == nullptr));
  }
  ++revision;
  metadata_of(next.object)["resourceVersion"] = std::to_string(revision);
  auto after = pinned(next.object, revision, row, bytes);
  index(table, path, before, after, removed);
  leave_chores(table, path, after, removed);
  if (table.name == definitions) follow_definition(after, removed);
  table.remember({revision, before, after, removed});
  if (!unsynced) {
    unsynced = true;
    chores_changed.notify_all();
  }
  return after;
}

void Core::index(Table& table, const std::string& path, const Pin& before, const Pin& after, bool removed) {
  const std::string uid = uid_of(after->object);
  if (before != nullptr) {
    if (const json::Array* owners = owners_of(before->object)) {
      for (const json::Value& owner : *owners) {
        const auto it = dependents.find(json::text_or(owner, "/uid"));
        if (it == dependents.end()) continue;
        it->second.erase(uid);
        if (it->second.empty()) dependents.erase(it);
      }
    }
  }
  if (removed) {
    by_uid.erase(uid);
    table.objects.erase(path);
    --objects_;
    return;
  }
  if (before == nullptr) ++objects_;
  table.objects[path] = after;
  by_uid[uid] = {&table, path};
  if (const json::Array* owners = owners_of(after->object)) {
    for (const json::Value& owner : *owners) dependents[json::text_or(owner, "/uid")].insert(uid);
  }
}

void Core::leave_chores(Table& table, const std::string& path, const Pin& after, bool removed) {
  const std::size_t before = chores.size();
  const json::Array* owners = owners_of(after->object);
  const std::string ns = namespace_of(after->object);
  if (removed) {
    const std::string uid = uid_of(after->object);
    if (dependents.contains(uid)) chores.insert({Chore::What::OwnerGone, "", "", uid});
    if (!ns.empty()) {
      const Pin home = tables.find("namespaces")->second->find(ns);
      if (home != nullptr && is_being_deleted(home->object)) chores.insert({Chore::What::Namespace, "", "", ns});
    }
    if (table.contract->custom) {
      const Pin definition = tables.find(definitions)->second->find(table.name);
      if (definition != nullptr && is_being_deleted(definition->object)) {
        chores.insert({Chore::What::Definition, table.name, "", ""});
      }
    }
  } else if (is_being_deleted(after->object)) {
    if (table.name == "namespaces") {
      chores.insert({Chore::What::Namespace, "", "", path});
    } else if (has_finalizer(after->object, crd_cleanup)) {
      chores.insert({Chore::What::Definition, path, "", ""});
    }
    if (has_finalizer(after->object, "foregroundDeletion") || has_finalizer(after->object, "orphan")) {
      chores.insert({Chore::What::Object, table.name, path, ""});
    }
  }
  if (owners != nullptr) {
    for (const json::Value& owner : *owners) {
      const auto it = by_uid.find(json::text_or(owner, "/uid"));
      if (it == by_uid.end()) {
        if (!removed) chores.insert({Chore::What::Object, table.name, path, ""});
        continue;
      }
      // A change of a dependent may let its owner go.
      const Pin holder = it->second.table->find(it->second.path);
      if (holder != nullptr && is_being_deleted(holder->object) &&
          has_finalizer(holder->object, "foregroundDeletion")) {
        chores.insert({Chore::What::Object, it->second.table->name, it->second.path, ""});
        if (!removed) chores.insert({Chore::What::Object, table.name, path, ""});
      }
    }
  }
  if (chores.size() != before) chores_changed.notify_all();
}

void Core::follow_definition(const Pin& after, bool removed) {
  const std::string name = name_of(after->object);
  if (removed) {
    const auto it = tables.find(name);
    if (it == tables.end()) return;
    it->second->dropped = true;
    it->second->changed.notify_all();
    tables.erase(it);
    return;
  }
  Result<std::shared_ptr<const Contract>> contract = read_crd(after->object);
  CHECK(contract.has_value(), "a definition is read before it is written");
  const auto it = tables.find(name);
  if (it == tables.end()) {
    tables.emplace(name, std::make_shared<Table>(std::move(*contract), revision));
  } else {
    it->second->contract = std::move(*contract);
  }
}

void Core::slow_down() {
  int delay = 0;
  {
    const Lock lock(mutex);
    delay = faults.delay_ms;
  }
  if (delay > 0) sleep_until({}, Deadline::in(milliseconds(delay)));
}

Result<void> Core::maybe_conflict() {
  const Lock lock(mutex);
  ++writes_;
  if (faults.conflict_every <= 0 || writes_ % faults.conflict_every != 0) return {};
  return conflict("writing: a conflict by fault switch; read the object again");
}

void Core::set_faults(const Faults& wanted) {
  const Lock lock(mutex);
  faults = wanted;
  if (!wanted.compact) return;
  faults.compact = false;
  for (const auto& [name, table] : tables) table->forget_all(revision);
}

void Core::close() {
  const Lock lock(mutex);
  closed = true;
  for (const auto& [name, table] : tables) table->changed.notify_all();
  chores_changed.notify_all();
}

Result<std::shared_ptr<Core>> Core::open(const std::string& path, Clock& clock) {
  std::shared_ptr<Core> core(new Core(clock));
  core->disk_ = TRY(Disk::open(path));
  TRY(core->load());
  return core;
}

Result<void> Core::load() {
  const Lock lock(mutex);
  revision = disk_->first_revision();
  for (const Kind* kind : kinds::all()) {
    if (kind->group == "scheduling.run.ai" || kind->group == "muster.dev") continue;
    auto table = std::make_shared<Table>(built_in_contract(*kind), revision);
    tables.emplace(table->name, table);
  }
  // Definitions first: they make the tables of the other rows.
  std::vector<Disk::Stored> first, rest;
  TRY(disk_->load([&](Disk::Stored row) -> Result<void> {
    (row.kind == definitions ? first : rest).push_back(std::move(row));
    return {};
  }));
  for (Disk::Stored& row : first) TRY(load_row(std::move(row)));
  for (Disk::Stored& row : rest) TRY(load_row(std::move(row)));
  for (const auto& [name, table] : tables) {
    for (const auto& [path, pin] : table->objects) leave_chores(*table, path, pin, false);
  }
  return {};
}

Result<void> Core::load_row(Disk::Stored row) {
  const auto it = tables.find(row.kind);
  if (it == tables.end()) return internal("loading " + row.kind + " " + row.path + ": its definition is missing");
  Result<json::Value> object = json::parse(row.text, {.depth = 128, .bytes = 2 * most_object_bytes});
  if (!object.has_value()) return object.error().at("loading " + row.kind + " " + row.path);
  metadata_of(*object)["resourceVersion"] = std::to_string(row.revision);
  auto pin = pinned(*object, row.revision, row.row, row.text.size());
  index(*it->second, row.path, nullptr, pin, false);
  if (it->second->name == definitions) follow_definition(pin, false);
  return {};
}

}  // namespace muster::kube::local
