#include "cluster/queues/queue_keeper.h"

#include "base/log.h"
#include "cluster/queues/queue_objects.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

using Type = kube::Change::Type;

constexpr std::size_t kinds_read = 5;
constexpr Duration try_again = seconds(1);

bool is_ours(const json::Value& queue) {
  return !kube::label_of(queue, "muster.dev/project").empty() ||
         !kube::label_of(queue, "muster.dev/department").empty();
}

// The patch that makes spec, labels and owners of `is` those of `wanted`; an empty object when they are.
json::Value change_of(const json::Value& is, const json::Value& wanted) {
  json::Value change = json::Object{};
  const json::Value none = json::Object{};
  const auto part = [](const json::Value& from, std::string_view pointer, const json::Value& otherwise) {
    const json::Value* found = json::find(from, pointer);
    return found == nullptr ? otherwise : *found;
  };
  const json::Value spec = json::diff_merge_patch(part(is, "/spec", none), part(wanted, "/spec", none));
  if (!spec.get_object().empty()) json::set_at(change, "/spec", spec);
  if (const json::Value* labels = json::find(wanted, "/metadata/labels")) {
    for (const auto& [name, value] : labels->get_object()) {
      if (kube::label_of(is, name) != value.get_string()) {
        json::set_at(change, "/metadata/labels/" + json::escape_step(name), value);
      }
    }
  }
  return change;
}

}  // namespace

QueueKeeper::QueueKeeper(kube::Api& api, Feeds& feeds)
    : api_(api), keys_("queues", 1, [this](const std::string& key) { return visit(key); }) {
  watch(feeds, kube::kinds::department);
  watch(feeds, kube::kinds::project);
  watch(feeds, kube::kinds::node_pool);
  watch(feeds, kube::kinds::queue);
  watch(feeds, kube::kinds::ns);
}

bool QueueKeeper::is_ready() const {
  Lock lock(mutex_);
  return synced_.size() == kinds_read;
}

void QueueKeeper::watch(Feeds& feeds, const kube::Kind& kind) {
  feeds.subscribe(kind, [this, &kind](const kube::Change& change) {
    Lock lock(mutex_);
    if (change.type == Type::Synced) {
      if (!synced_.insert(kind.kind).second || synced_.size() != kinds_read) return;
      want_queues();
      // Queues of projects that went while nobody looked.
      for (const auto& [name, queue] : queues_) keys_.add("queue/" + name);
      keys_.start();
      return;
    }
    const std::string name = kube::name_of(change.object);
    const bool is_gone = change.type == Type::Remove || kube::is_being_deleted(change.object);
    const auto keep = [&](std::map<std::string, json::Value>& rows) {
      if (is_gone) {
        rows.erase(name);
      } else {
        rows[name] = change.object;
      }
    };
    if (kind.kind == "Queue") {
      if (change.type == Type::Remove) {
        queues_.erase(name);
      } else if (is_ours(change.object)) {
        queues_[name] = change.object;
      }
      if (change.type == Type::Remove && wanted_.contains(name)) keys_.add("queue/" + name);
      return;
    }
    if (kind.kind == "Namespace") return keep(namespaces_);
    if (kind.kind == "Department") keep(departments_);
    if (kind.kind == "Project") keep(projects_);
    if (kind.kind == "NodePool") {
      if (is_gone) {
        pools_.erase(name);
      } else {
        pools_.insert(name);
      }
    }
    if (synced_.size() == kinds_read) want_queues();
  });
}

void QueueKeeper::want_queues() {
  std::vector<std::string> pools{"default"};
  for (const std::string& pool : pools_) {
    if (pool != "default") pools.push_back(pool);
  }
  std::map<std::string, json::Value> wanted;
  for (const auto& [name, department] : departments_) {
    for (json::Value& queue : queues_of_department(department, pools)) wanted[kube::name_of(queue)] = std::move(queue);
  }
  for (const auto& [name, project] : projects_) {
    for (json::Value& queue : queues_of_project(project, pools)) wanted[kube::name_of(queue)] = std::move(queue);
    if (!namespaces_.contains(kube::name_of(namespace_of_project_object(project)))) keys_.add("namespace/" + name);
  }
  for (const auto& [name, queue] : wanted) {
    const auto old = wanted_.find(name);
    if (old == wanted_.end() || old->second != queue) keys_.add("queue/" + name);
  }
  for (const auto& [name, queue] : wanted_) {
    if (!wanted.contains(name)) keys_.add("queue/" + name);
  }
  wanted_ = std::move(wanted);
}

std::optional<Duration> QueueKeeper::visit(const std::string& key) {
  const std::size_t slash = key.find('/');
  return key.starts_with("queue/") ? settle_queue(key.substr(slash + 1)) : settle_namespace(key.substr(slash + 1));
}

std::optional<Duration> QueueKeeper::settle_queue(const std::string& name) {
  std::optional<json::Value> wanted, is;
  {
    Lock lock(mutex_);
    if (const auto found = wanted_.find(name); found != wanted_.end()) wanted = found->second;
    if (const auto found = queues_.find(name); found != queues_.end()) is = found->second;
  }
  if (!wanted) {
    if (!is) return std::nullopt;
    const Result<void> removed = api_.remove(kube::kinds::queue, kube::Key{"", name}, kube::DeleteOptions{});
    if (removed || removed.error().kind == ErrorKind::NotFound) return std::nullopt;
    log::warn("queue_not_removed", {{"queue", name}, {"error", removed.error().text}});
    return try_again;
  }
  if (!is) {
    const Result<json::Value> made = api_.create(kube::kinds::queue, *wanted);
    if (made) return std::nullopt;
    if (made.error().kind == ErrorKind::Conflict) {
      const Result<json::Value> now = api_.get(kube::kinds::queue, kube::Key{"", name});
      if (!now) return milliseconds(50);
      is = *now;
    } else {
      log::warn("queue_not_made", {{"queue", name}, {"error", made.error().text}});
      return try_again;
    }
  }
  const json::Value change = change_of(*is, *wanted);
  if (change.get_object().empty()) return std::nullopt;
  const Result<json::Value> changed = api_.patch(kube::kinds::queue, kube::Key{"", name}, change);
  if (changed) return std::nullopt;
  log::warn("queue_not_changed", {{"queue", name}, {"error", changed.error().text}});
  return changed.error().kind == ErrorKind::Conflict ? milliseconds(50) : try_again;
}

std::optional<Duration> QueueKeeper::settle_namespace(const std::string& project) {
  json::Value wanted;
  {
    Lock lock(mutex_);
    const auto found = projects_.find(project);
    if (found == projects_.end()) return std::nullopt;
    wanted = namespace_of_project_object(found->second);
  }
  const Result<json::Value> made = api_.create(kube::kinds::ns, wanted);
  if (made) return std::nullopt;
  if (made.error().kind != ErrorKind::Conflict) {
    log::warn("namespace_not_made", {{"project", project}, {"error", made.error().text}});
    return try_again;
  }
  // It exists: the project adopts it.
  const kube::Key key{"", kube::name_of(wanted)};
  const Result<json::Value> is = api_.get(kube::kinds::ns, key);
  if (!is) return milliseconds(50);
  const json::Value change = change_of(*is, wanted);
  if (change.get_object().empty()) return std::nullopt;
  if (api_.patch(kube::kinds::ns, key, change)) return std::nullopt;
  return try_again;
}

}  // namespace muster::cluster
