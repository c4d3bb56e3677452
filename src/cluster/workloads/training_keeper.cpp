#include "cluster/workloads/training_keeper.h"

#include <charconv>

#include "base/log.h"
#include "cluster/workloads/pod_template.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

using Type = kube::Change::Type;

constexpr Duration try_again = milliseconds(200);

std::int64_t version_of(const json::Value& object) {
  const std::string text = kube::resource_version_of(object);
  std::int64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

TrainingKeeper::TrainingKeeper(kube::Api& api, Clock& clock, Journal& journal, Feeds& feeds)
    : api_(api),
      clock_(clock),
      journal_(journal),
      keys_("workloads", 2, [this](const std::string& key) { return visit(key); }) {
  feeds.subscribe(kube::kinds::training, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return synced("Training");
    const std::string key = kube::to_text(kube::key_of(change.object));
    {
      Lock lock(mutex_);
      if (change.type == Type::Remove) {
        trainings_.erase(key);
        evicted_.erase(kube::uid_of(change.object));
        return;
      }
      json::Value& known = trainings_[key];
      // What was written here is newer than an event that was under way.
      if (known.is_object() && kube::uid_of(known) == kube::uid_of(change.object) &&
          version_of(change.object) < version_of(known)) {
        return;
      }
      known = change.object;
    }
    keys_.add(key);
  });
  feeds.subscribe(kube::kinds::pod, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return synced("Pod");
    const kube::Owner owner = kube::controller_of(change.object);
    if (owner.kind != kube::kinds::training.kind) return;
    const kube::Key pod = kube::key_of(change.object);
    const std::string key = pod.ns + "/" + owner.name;
    {
      Lock lock(mutex_);
      std::map<std::string, Attempt>& attempts = attempts_[owner.uid];
      if (change.type == Type::Remove) {
        const auto known = attempts.find(pod.name);
        if (known != attempts.end() && !known->second.evicted.empty()) evicted_[owner.uid] = known->second.evicted;
        attempts.erase(pod.name);
        if (attempts.empty()) {
          attempts_.erase(owner.uid);
          owners_[key].erase(owner.uid);
          if (owners_[key].empty()) owners_.erase(key);
        }
      } else {
        owners_[key].insert(owner.uid);
        const Attempt& attempt = attempts[pod.name] = decode_attempt(change.object);
        if (attempt.state == Attempt::State::Running && attempt.evicted.empty()) evicted_.erase(owner.uid);
      }
    }
    keys_.add(key);
  });
}

void TrainingKeeper::synced(const std::string& kind) {
  Lock lock(mutex_);
  if (synced_.insert(kind).second && synced_.size() == 2) keys_.start();
}

bool TrainingKeeper::is_ready() const {
  Lock lock(mutex_);
  return synced_.size() == 2;
}

std::optional<Duration> TrainingKeeper::visit(const std::string& key) {
  json::Value object;
  std::vector<Attempt> attempts;
  std::string evicted;
  {
    Lock lock(mutex_);
    const auto found = trainings_.find(key);
    if (found != trainings_.end()) object = found->second;
    if (const auto why = evicted_.find(kube::uid_of(object)); why != evicted_.end()) evicted = why->second;
    if (const auto pods = attempts_.find(kube::uid_of(object)); pods != attempts_.end()) {
      for (const auto& [name, attempt] : pods->second) attempts.push_back(attempt);
    }
  }
  if (object.is_null()) return release_orphans(key);
  Training training = decode_training(object);
  training.evicted = evicted;
  const Settlement settlement = settle(training, attempts, clock_.now());
  if (!settlement.create.empty()) {
    if (const Result<json::Value> pod = make_pod(object, settlement.create.front()); !pod) {
      return fail(training, pod.error());
    }
  }
  bool is_done = create_pods(object, settlement);
  is_done = remove_pods(training, settlement) && is_done;
  bool is_written = true;
  if (settlement.status != training.status) is_written = write_status(training, settlement.status);
  is_done = is_written && is_done;
  if (is_written) is_done = let_go(training, settlement.let_go) && is_done;
  if (settlement.release) return release(object);
  if (settlement.remove_training) {
    const Result<void> removed = api_.remove(kube::kinds::training, kube::Key{training.ns, training.name},
                                             kube::DeleteOptions{.grace_seconds = std::nullopt, .uid = training.uid});
    if (!removed && removed.error().kind != ErrorKind::NotFound) return seconds(5);
  }
  if (!is_done) return try_again;
  return settlement.look_again;
}

std::optional<Duration> TrainingKeeper::release_orphans(const std::string& key) {
  Training gone;
  gone.ns = key.substr(0, key.find('/'));
  std::vector<Attempt> pods;
  {
    Lock lock(mutex_);
    const auto owners = owners_.find(key);
    if (owners == owners_.end()) return std::nullopt;
    for (const std::string& uid : owners->second) {
      for (const auto& [name, attempt] : attempts_[uid]) {
        if (attempt.is_let_go && attempt.has_run_finalizer()) pods.push_back(attempt);
      }
    }
  }
  return let_go(gone, pods) ? std::nullopt : std::optional(try_again);
}

bool TrainingKeeper::create_pods(const json::Value& object, const Settlement& settlement) {
  bool all = true;
  for (const NewPod& wanted : settlement.create) {
    Result<json::Value> pod = make_pod(object, wanted);
    if (!pod) return false;
    const Result<json::Value> made = api_.create(kube::kinds::pod, *std::move(pod));
    if (made) continue;
    all = false;
    if (made.error().kind == ErrorKind::Conflict) continue;  // it is there and the watch will show it, or it is going
    log::warn("pod_not_made", {{"pod", wanted.name}, {"error", made.error().text}});
    if (!is_retryable(made.error().kind)) {
      journal_.warning(
          subject_of(kube::kinds::training, kube::namespace_of(object), kube::name_of(object), kube::uid_of(object)),
          "FailedCreate", made.error().text);
    }
  }
  return all;
}

bool TrainingKeeper::remove_pods(const Training& training, const Settlement& settlement) {
  bool all = true;
  for (const OldPod& pod : settlement.remove) {
    kube::DeleteOptions options{.grace_seconds = std::nullopt, .uid = pod.uid};
    if (pod.at_once) options.grace_seconds = 0;
    const Result<void> removed = api_.remove(kube::kinds::pod, kube::Key{training.ns, pod.name}, options);
    if (removed || removed.error().kind == ErrorKind::NotFound) continue;
    all = false;
    log::warn("pod_not_removed", {{"pod", pod.name}, {"error", removed.error().text}});
  }
  return all;
}

bool TrainingKeeper::let_go(const Training& training, const std::vector<Attempt>& pods) {
  bool all = true;
  for (const Attempt& pod : pods) {
    json::Array kept;
    for (const std::string& finalizer : pod.finalizers) {
      if (finalizer != run_finalizer) kept.emplace_back(finalizer);
    }
    const json::Value patch =
        json::Object{{"metadata", json::Object{{"uid", pod.uid}, {"finalizers", std::move(kept)}}}};
    const Result<json::Value> released = api_.patch(kube::kinds::pod, kube::Key{training.ns, pod.name}, patch);
    if (released || released.error().kind == ErrorKind::NotFound || released.error().kind == ErrorKind::Conflict)
      continue;
    all = false;
    log::warn("pod_not_released", {{"pod", training.ns + "/" + pod.name}, {"error", released.error().text}});
  }
  return all;
}

bool TrainingKeeper::write_status(const Training& training, const TrainingStatus& status) {
  const json::Value patch = json::Object{{"status", encode_status(status)}};
  const Result<json::Value> written =
      api_.patch_status(kube::kinds::training, kube::Key{training.ns, training.name}, patch);
  if (written) {
    Lock lock(mutex_);
    const auto known = trainings_.find(training.ns + "/" + training.name);
    if (known != trainings_.end() && kube::uid_of(known->second) == training.uid &&
        version_of(known->second) < version_of(*written)) {
      known->second = *written;
    }
    return true;
  }
  if (written.error().kind == ErrorKind::NotFound) return true;
  log::warn("status_not_written", {{"workload", training.ns + "/" + training.name}, {"error", written.error().text}});
  return false;
}

std::optional<Duration> TrainingKeeper::release(const json::Value& object) {
  const json::Value* finalizers = json::find(object, "/metadata/finalizers");
  if (finalizers == nullptr || !finalizers->is_array()) return std::nullopt;
  json::Array kept;
  for (const json::Value& item : finalizers->get_array()) {
    if (!item.is_string() || item.get_string() != training_finalizer) kept.push_back(item);
  }
  if (kept.size() == finalizers->get_array().size()) return std::nullopt;
  const json::Value patch =
      json::Object{{"metadata", json::Object{{"finalizers", std::move(kept)},
                                             {"resourceVersion", kube::resource_version_of(object)}}}};
  const Result<json::Value> released = api_.patch(kube::kinds::training, kube::key_of(object), patch);
  if (released || released.error().kind == ErrorKind::NotFound) return std::nullopt;
  return try_again;
}

std::optional<Duration> TrainingKeeper::fail(const Training& training, const Error& why) {
  TrainingStatus status = training.status;
  status.phase = model::Phase::Failed;
  status.reason = "Invalid";
  status.message = why.text;
  status.phase_updated = status.completed = clock_.now();
  journal_.warning(subject_of(kube::kinds::training, training.ns, training.name, training.uid), "Invalid", why.text);
  if (write_status(training, status)) return std::nullopt;
  return try_again;
}

}  // namespace muster::cluster
