#include "cluster/link/downward.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <stop_token>

#include "base/log.h"
#include "cluster/workloads/training.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

constexpr std::size_t most_waiting = 100'000;
constexpr std::size_t batch = 64;
const kube::Key memory{"muster-system", "line"};

const kube::Kind* kind_of(const std::string& name) {
  for (const kube::Kind* kind : {&kube::kinds::department, &kube::kinds::project, &kube::kinds::node_pool,
                                 &kube::kinds::training, &kube::kinds::topology}) {
    if (kind->kind == name) return kind;
  }
  return nullptr;
}

std::string workload_id_of(const json::Value& object) { return kube::label_of(object, model::keys::workload_id_label); }

json::Value part(const json::Value& object, std::string_view pointer) {
  const json::Value* found = json::find(object, pointer);
  return found != nullptr && found->is_object() ? *found : json::Value(json::Object{});
}

}  // namespace

void drop_undone(std::vector<model::Desired>& changes) {
  std::set<std::tuple<std::string, std::string, std::string>> removed;
  std::vector<model::Desired> kept;
  for (auto it = changes.rbegin(); it != changes.rend(); ++it) {
    const auto key = std::tuple(it->kind, it->ns, it->name);
    if (it->remove) {
      removed.insert(key);
    } else if (removed.contains(key)) {
      continue;
    }
    kept.push_back(std::move(*it));
  }
  std::reverse(kept.begin(), kept.end());
  changes = std::move(kept);
}

Downward::Downward(kube::Api& api, model::LineToControl* control, Refused refused)
    : api_(api), control_(control), refused_(std::move(refused)) {}

Result<void> Downward::send(std::vector<model::Desired> changes) {
  Lock lock(mutex_);
  if (stopping_) return unavailable("the cluster is stopping");
  if (waiting_.size() + changes.size() > most_waiting) {
    return exhausted("the line to the cluster is full: " + std::to_string(waiting_.size()) + " changes wait");
  }
  std::move(changes.begin(), changes.end(), std::back_inserter(waiting_));
  some_.notify_all();
  return {};
}

void Downward::start() {
  thread_ = std::jthread([this](std::stop_token stop) { work(stop); });
}

void Downward::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    some_.notify_all();
  }
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

bool Downward::load(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const Result<json::Value> known = api_.get(kube::kinds::config_map, memory);
    if (known) {
      const std::string text = json::text_or(*known, "/data/sequence");
      std::from_chars(text.data(), text.data() + text.size(), applied_);
      return true;
    }
    if (known.error().kind == ErrorKind::NotFound) return true;
    log::warn("line_not_read", {{"error", known.error().text}});
    sleep_until(stop, Deadline::in(milliseconds(500)));
  }
  return false;
}

bool Downward::save(std::stop_token stop) {
  const json::Value patch = json::Object{{"data", json::Object{{"sequence", std::to_string(applied_)}}}};
  while (true) {
    const Result<json::Value> saved = api_.patch(kube::kinds::config_map, memory, patch);
    if (saved) return true;
    if (saved.error().kind == ErrorKind::NotFound) {
      ignore(api_.create(kube::kinds::ns, json::Object{{"apiVersion", "v1"},
                                                       {"kind", "Namespace"},
                                                       {"metadata", json::Object{{"name", memory.ns}}}}),
             "it may be there");
      json::Value object = json::Object{{"apiVersion", "v1"},
                                        {"kind", "ConfigMap"},
                                        {"metadata", json::Object{{"name", memory.name}, {"namespace", memory.ns}}},
                                        {"data", json::Object{{"sequence", std::to_string(applied_)}}}};
      if (api_.create(kube::kinds::config_map, std::move(object))) return true;
    }
    log::warn("line_not_written", {{"error", saved.error().text}});
    if (sleep_until(stop, Deadline::in(milliseconds(100)))) return false;
  }
}

void Downward::work(std::stop_token stop) {
  name_thread("line");
  if (!load(stop)) return;
  if (control_ != nullptr && applied_ > 0) control_->applied(applied_);
  while (true) {
    std::vector<model::Desired> changes;
    {
      Lock lock(mutex_);
      while (!stopping_ && waiting_.empty()) some_.wait(mutex_);
      if (stopping_) return;
      const std::size_t n = std::min(batch, waiting_.size());
      std::move(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n), std::back_inserter(changes));
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n));
    }
    const std::uint64_t last = changes.back().sequence;
    drop_undone(changes);
    for (const model::Desired& change : changes) {
      std::int64_t delay = 10;
      while (true) {
        const Result<void> done = apply(change);
        if (done) break;
        // A namespace that is being made, a server that is away, a write that crossed another one.
        const ErrorKind kind = done.error().kind;
        const bool passes = is_retryable(kind) || kind == ErrorKind::NotFound || kind == ErrorKind::Conflict;
        if (!passes || (!is_retryable(kind) && delay > 5000)) {
          log::warn("desired_refused", {{"kind", change.kind}, {"name", change.name}, {"error", done.error().text}});
          refused_(change, done.error());
          break;
        }
        if (sleep_until(stop, Deadline::in(milliseconds(std::min<std::int64_t>(delay, 2000))))) return;
        delay *= 2;
      }
    }
    applied_ = std::max(applied_, last);
    if (!save(stop)) return;
    if (control_ != nullptr) control_->applied(applied_);
  }
}

Result<void> Downward::apply(const model::Desired& change) {
  const kube::Kind* kind = kind_of(change.kind);
  if (kind == nullptr) return invalid("the line carries no objects of kind " + change.kind);
  return change.remove ? remove(change, *kind) : create_or_change(change, *kind);
}

Result<void> Downward::remove(const model::Desired& change, const kube::Kind& kind) {
  const kube::Key key{change.ns, change.name};
  const Result<json::Value> is = api_.get(kind, key);
  if (!is && is.error().kind == ErrorKind::NotFound) return {};
  if (!is) return is.error();
  // The name may stand for another workload by now.
  const std::string wanted = workload_id_of(change.object), has = workload_id_of(*is);
  if (!wanted.empty() && !has.empty() && wanted != has) return {};
  if (kube::is_being_deleted(*is)) return {};
  const Result<void> removed =
      api_.remove(kind, key, kube::DeleteOptions{.grace_seconds = std::nullopt, .uid = kube::uid_of(*is)});
  if (!removed && removed.error().kind == ErrorKind::NotFound) return {};
  return removed;
}

Result<void> Downward::create_or_change(const model::Desired& change, const kube::Kind& kind) {
  const kube::Key key{change.ns, change.name};
  json::Value wanted = change.object;
  json::set_at(wanted, "/metadata/name", json::Value(change.name));
  if (!change.ns.empty()) json::set_at(wanted, "/metadata/namespace", json::Value(change.ns));
  if (kind.kind == "Training") {
    json::set_at(wanted, "/metadata/finalizers", json::Array{json::Value(training_finalizer)});
  }
  const Result<json::Value> made = api_.create(kind, wanted);
  if (made) return {};
  if (made.error().kind != ErrorKind::Conflict) return made.error();
  const Result<json::Value> is = api_.get(kind, key);
  if (!is) return is.error();
  const std::string wanted_id = workload_id_of(wanted), has_id = workload_id_of(*is);
  if (wanted_id != has_id) return conflict("the name " + kube::to_text(key) + " is taken by another workload");
  if (kube::is_being_deleted(*is)) return {};
  json::Value patch = json::Object{};
  for (const char* pointer : {"/spec", "/metadata/labels", "/metadata/annotations"}) {
    json::Value difference = json::diff_merge_patch(part(*is, pointer), part(wanted, pointer));
    if (std::string_view(pointer) != "/spec") {
      // Labels and annotations that others have put there stay.
      json::Object kept;
      for (auto& [name, value] : difference.get_object()) {
        if (!value.is_null()) kept[name] = std::move(value);
      }
      difference = std::move(kept);
    }
    if (!difference.get_object().empty()) json::set_at(patch, pointer, std::move(difference));
  }
  if (patch.get_object().empty()) return {};
  json::set_at(patch, "/metadata/uid", json::Value(kube::uid_of(*is)));
  const Result<json::Value> changed = api_.patch(kind, key, patch);
  if (changed) return {};
  return changed.error();
}

}  // namespace muster::cluster
