#include "cluster/group/grouper.h"

#include "base/log.h"
#include "cluster/group/group_of.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

using Type = kube::Change::Type;

constexpr Duration try_again = seconds(1);

// Only what the grouper looks at: the rest of the pod is not kept.
json::Value without_status(const json::Value& pod) {
  json::Value kept = pod;
  kept.get_object().erase("status");
  if (json::Value* metadata = json::find(kept, "/metadata")) metadata->get_object().erase("managedFields");
  return kept;
}

bool is_over(const json::Value& pod) {
  const std::string phase = json::text_or(pod, "/status/phase");
  return phase == "Succeeded" || phase == "Failed" || kube::is_being_deleted(pod);
}

}  // namespace

Grouper::Grouper(kube::Api& api, Journal& journal, std::set<std::string> schedulers, Feeds& feeds)
    : api_(api),
      journal_(journal),
      schedulers_(std::move(schedulers)),
      pods_("group", 4, [this](const std::string& key) { return visit(key); }) {
  feeds.subscribe(kube::kinds::ns, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return synced("Namespace");
    Lock lock(mutex_);
    const std::string queue = kube::label_of(change.object, model::keys::runai_queue_label);
    if (change.type == Type::Remove || queue.empty()) {
      namespace_queue_.erase(kube::name_of(change.object));
    } else {
      namespace_queue_[kube::name_of(change.object)] = queue;
    }
  });
  feeds.subscribe(kube::kinds::pod_group, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return synced("PodGroup");
    const std::string key = kube::to_text(kube::key_of(change.object));
    Lock lock(mutex_);
    if (change.type == Type::Remove) {
      groups_.erase(key);
      // Pods that live on need their group again.
      if (const auto pods = members_.find(key); pods != members_.end()) {
        for (const std::string& pod : pods->second) pods_.add_after(pod, milliseconds(100));
      }
    } else if (const json::Value* spec = json::find(change.object, "/spec")) {
      groups_[key] = *spec;
    }
  });
  feeds.subscribe(kube::kinds::pod, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return synced("Pod");
    const std::string key = kube::to_text(kube::key_of(change.object));
    const bool is_ours = change.type == Type::Upsert && !is_over(change.object) &&
                         schedulers_.contains(json::text_or(change.object, "/spec/schedulerName"));
    {
      Lock lock(mutex_);
      const std::string group = kube::annotation_of(change.object, model::keys::pod_group_annotation);
      remember(key, is_ours && !group.empty() ? kube::namespace_of(change.object) + "/" + group : "");
      if (!is_ours) {
        todo_.erase(key);
        return;
      }
      // Bound ones have been grouped; looking again would only cost.
      if (!json::text_or(change.object, "/spec/nodeName").empty()) return;
      todo_[key] = without_status(change.object);
    }
    pods_.add(key);
  });
}

void Grouper::remember(const std::string& pod, const std::string& group) {
  std::string& known = group_of_[pod];
  if (known != group && !known.empty()) {
    const auto members = members_.find(known);
    members->second.erase(pod);
    if (members->second.empty()) members_.erase(members);
  }
  if (known != group && !group.empty()) members_[group].insert(pod);
  known = group;
  if (group.empty()) group_of_.erase(pod);
}

void Grouper::synced(const std::string& kind) {
  Lock lock(mutex_);
  if (synced_.insert(kind).second && synced_.size() == 3) pods_.start();
}

bool Grouper::is_ready() const {
  Lock lock(mutex_);
  return synced_.size() == 3;
}

std::optional<Duration> Grouper::visit(const std::string& key) {
  json::Value pod;
  {
    Lock lock(mutex_);
    if (auto node = todo_.extract(key)) {
      pod = std::move(node.mapped());
    } else if (const auto group = group_of_.find(key); group == group_of_.end() || groups_.contains(group->second)) {
      return std::nullopt;
    }
  }
  if (pod.is_null()) {
    // Its group went from under it.
    const std::size_t slash = key.find('/');
    Result<json::Value> now = api_.get(kube::kinds::pod, {key.substr(0, slash), key.substr(slash + 1)});
    if (!now) return now.error().kind == ErrorKind::NotFound ? std::nullopt : std::optional(try_again);
    if (is_over(*now)) return std::nullopt;
    pod = without_status(*now);
  }
  const std::optional<Duration> again = ensure_group(pod);
  if (again) {
    Lock lock(mutex_);
    todo_.emplace(key, std::move(pod));
  }
  return again;
}

std::optional<Duration> Grouper::ensure_group(const json::Value& pod) {
  std::string queue;
  {
    Lock lock(mutex_);
    if (const auto found = namespace_queue_.find(kube::namespace_of(pod)); found != namespace_queue_.end()) {
      queue = found->second;
    }
  }
  const std::optional<PodGroupWish> wish = group_of(pod, queue);
  if (!wish || wish->is_users) return std::nullopt;
  const kube::Key group_key{kube::namespace_of(pod), wish->name};
  const Subject about = subject_of(kube::kinds::pod, kube::namespace_of(pod), kube::name_of(pod), kube::uid_of(pod));
  std::optional<json::Value> known;
  {
    Lock lock(mutex_);
    if (const auto found = groups_.find(kube::to_text(group_key)); found != groups_.end()) known = found->second;
  }
  if (!known) {
    const Result<json::Value> made = api_.create(kube::kinds::pod_group, wish->object);
    const bool is_there =
        made || (made.error().kind == ErrorKind::Conflict && api_.get(kube::kinds::pod_group, group_key));
    if (!is_there && made.error().kind == ErrorKind::Conflict) return milliseconds(50);
    if (!is_there) {
      if (made.error().kind == ErrorKind::NotFound) return std::nullopt;  // the namespace is going away
      if (!is_retryable(made.error().kind)) journal_.warning(about, "PodGrouperWarning", made.error().text);
      log::warn("group_not_made", {{"group", kube::to_text(group_key)}, {"error", made.error().text}});
      return try_again;
    }
  } else {
    json::Value change = json::Object{};
    for (const char* field : {"/priorityClassName", "/preemptibility", "/minMember"}) {
      const json::Value* wanted = json::find(*json::find(wish->object, "/spec"), field);
      const json::Value* has = json::find(*known, field);
      if (wanted != nullptr && (has == nullptr || *has != *wanted)) {
        json::set_at(change, "/spec" + std::string(field), *wanted);
      }
    }
    if (!change.get_object().empty()) {
      const Result<json::Value> changed = api_.patch(kube::kinds::pod_group, group_key, change);
      if (!changed && is_retryable(changed.error().kind)) return try_again;
    }
  }
  if (kube::annotation_of(pod, model::keys::pod_group_annotation) == wish->name) return std::nullopt;
  json::Value patch = json::Object{};
  json::set_at(patch, "/metadata/uid", json::Value(kube::uid_of(pod)));
  json::set_at(patch, "/metadata/annotations/" + std::string(model::keys::pod_group_annotation),
               json::Value(wish->name));
  const Result<json::Value> marked = api_.patch(kube::kinds::pod, kube::key_of(pod), patch);
  if (marked || marked.error().kind == ErrorKind::NotFound) return std::nullopt;
  return try_again;
}

}  // namespace muster::cluster
