#include "cluster/bind/binder.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

constexpr std::size_t workers = 4;
constexpr int most_bind_attempts = 6;
constexpr int most_evict_attempts = 12;

// 50 ms, 100 ms, ... at most 5 s.
Duration delay_after(int attempts) {
  return milliseconds(std::min<std::int64_t>(50LL << std::min(attempts, 10), 5000));
}

std::string words_of(const PodTask& task) {
  std::string text = "bound to node " + task.node;
  if (!task.pool.empty() && task.pool != "default") text += " of pool " + task.pool;
  if (!task.devices.empty()) text += ", GPUs " + gpus_text(task.node, task.devices);
  return text;
}

}  // namespace

Binder::Binder(kube::Api& api, Clock& clock, Journal& journal, Report report)
    : api_(api),
      clock_(clock),
      journal_(journal),
      report_(std::move(report)),
      gangs_("bind", workers, [this](const std::string& gang) { return visit(gang); }) {}

void Binder::add(PodTask task) {
  const std::string gang = task.ns + "/" + task.gang;
  {
    Lock lock(mutex_);
    tasks_[gang].push_back({std::move(task)});
    ++counts_.waiting;
  }
  gangs_.add(gang);
}

Binder::Counts Binder::counts() const {
  Lock lock(mutex_);
  return counts_;
}

std::optional<Duration> Binder::visit(const std::string& gang) {
  while (true) {
    Queued next;
    {
      Lock lock(mutex_);
      const auto found = tasks_.find(gang);
      if (found == tasks_.end()) return std::nullopt;
      next = found->second.front();
    }
    const Result<void> done = carry_out(next.task);
    std::optional<Error> error;
    if (!done) error = done.error();
    const int most = next.task.kind == PodTask::Kind::Bind ? most_bind_attempts : most_evict_attempts;
    const bool again = error && (is_retryable(error->kind) ||
                                 (error->kind == ErrorKind::Conflict && next.task.kind == PodTask::Kind::Evict));
    if (again && next.attempts + 1 < most) {
      Lock lock(mutex_);
      ++tasks_.at(gang).front().attempts;
      return delay_after(next.attempts);
    }
    {
      Lock lock(mutex_);
      std::deque<Queued>& queue = tasks_.at(gang);
      queue.pop_front();
      if (queue.empty()) tasks_.erase(gang);
      --counts_.waiting;
      const bool is_bind = next.task.kind == PodTask::Kind::Bind;
      ++(is_bind ? (error ? counts_.bind_failures : counts_.bound)
                 : (error ? counts_.eviction_failures : counts_.evicted));
    }
    report_({next.task.kind, next.task.ns, next.task.pod, next.task.uid, error});
    record(next.task, error);
  }
}

Result<void> Binder::carry_out(const PodTask& task) {
  return task.kind == PodTask::Kind::Bind ? bind(task) : evict(task);
}

Result<void> Binder::bind(const PodTask& task) {
  const kube::Key pod{task.ns, task.pod};
  kube::Binding binding{.node = task.node, .annotations = {}, .uid = task.uid, .resource_version = ""};
  const std::string devices = write_granted(task.devices);
  if (!task.devices.empty()) binding.annotations.emplace_back(model::keys::devices_annotation, devices);
  Result<void> bound = api_.bind(pod, binding);
  if (bound) return bound;
  if (bound.error().kind == ErrorKind::NotFound) return bound;
  // The answer to an earlier attempt may have been lost: what does the pod say?
  const Result<json::Value> now = api_.get(kube::kinds::pod, pod);
  if (now && kube::uid_of(*now) == task.uid && json::text_or(*now, "/spec/nodeName") == task.node &&
      (task.devices.empty() || kube::annotation_of(*now, model::keys::devices_annotation) == devices)) {
    return {};
  }
  return bound;
}

Result<void> Binder::evict(const PodTask& task) {
  const kube::Key pod{task.ns, task.pod};
  json::Value patch = json::Object{};
  json::set_at(patch, "/metadata/uid", json::Value(task.uid));
  json::set_at(patch, "/metadata/annotations/" + json::escape_step(evicted_annotation),
               json::Value(json::write(json::Object{{"action", task.action},
                                                    {"for", task.for_gang},
                                                    {"message", task.message},
                                                    {"at", to_rfc3339(clock_.now())}})));
  const Result<json::Value> noted = api_.patch(kube::kinds::pod, pod, patch);
  if (!noted && noted.error().kind == ErrorKind::NotFound) return {};  // gone already: so are its devices
  if (!noted) return noted.error().at("noting the eviction of " + kube::to_text(pod));
  Result<void> evicted = api_.evict(pod, kube::DeleteOptions{.grace_seconds = std::nullopt, .uid = task.uid});
  if (!evicted && evicted.error().kind == ErrorKind::NotFound) return {};
  return evicted;
}

void Binder::record(const PodTask& task, const std::optional<Error>& error) {
  const Subject pod = subject_of(kube::kinds::pod, task.ns, task.pod, task.uid);
  if (task.kind == PodTask::Kind::Bind) {
    if (!error) {
      journal_.normal(pod, "Scheduled", words_of(task));
    } else if (error->kind != ErrorKind::NotFound) {
      journal_.warning(pod, "FailedBinding", "could not be bound to node " + task.node + ": " + error->text);
      log::warn("bind_failed", {{"pod", task.ns + "/" + task.pod}, {"node", task.node}, {"error", error->text}});
    }
    return;
  }
  if (error) {
    journal_.warning(pod, "FailedEviction", "could not be evicted: " + error->text);
    log::warn("evict_failed", {{"pod", task.ns + "/" + task.pod}, {"error", error->text}});
    return;
  }
  log::info("evicted", {{"pod", task.ns + "/" + task.pod}, {"action", task.action}, {"for", task.for_gang}});
  journal_.normal(pod, "Evict", task.message);
  if (!task.gang.empty()) {
    const std::string reason = task.action == "stale-gang" ? "StaleJob" : "Evict";
    journal_.normal(subject_of(kube::kinds::pod_group, task.ns, task.gang, task.gang_uid), reason, task.message);
  }
}

}  // namespace muster::cluster
