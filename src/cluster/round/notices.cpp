#include "cluster/round/notices.h"

#include <algorithm>

#include "base/log.h"
#include "base/quantity.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

constexpr Duration verdict_hold = milliseconds(300);  // a wait shorter than this is not worth a write
constexpr Duration stamp_hold = seconds(2);
constexpr Duration queue_hold = seconds(1);
constexpr std::int64_t write_gap_ms = 10;     // at most a hundred verdicts a second
constexpr std::size_t most_pods_marked = 64;  // of one gang

std::string key_of(const char* what, const std::string& ns, const std::string& name) {
  return std::string(what) + "/" + ns + "/" + name;
}

json::Value numbers_of(const model::Verdict& verdict) {
  json::Object numbers;
  for (const auto& [name, number] : verdict.numbers) numbers[name] = number;
  return numbers;
}

json::Object resource_list(const model::Resources& amount) {
  return {{"nvidia.com/gpu", milli_to_text(amount.gpu)},
          {"cpu", milli_to_text(amount.cpu)},
          {"memory", bytes_to_text(amount.memory)}};
}

}  // namespace

Notices::Notices(kube::Api& api, Clock& clock, Journal& journal)
    : api_(api),
      clock_(clock),
      journal_(journal),
      keys_("notices", 1, [this](const std::string& key) { return visit(key); }) {}

void Notices::waits(Waiting waiting) {
  const std::string key = key_of("gang", waiting.ns, waiting.name);
  {
    Lock lock(mutex_);
    const bool is_known = written_.contains(key) || waiting.was_written;
    if (!waiting.verdict && !is_known) {
      // It began to run before anything was said.
      waiting_.erase(key);
      return;
    }
    waiting_[key] = std::move(waiting);
  }
  keys_.add_after(key, verdict_hold);
}

void Notices::stamps(Stamps stamps) {
  const std::string key = key_of("stamp", stamps.ns, stamps.name);
  {
    Lock lock(mutex_);
    stamps_[key] = std::move(stamps);
  }
  keys_.add_after(key, stamp_hold);
}

void Notices::queue(const std::string& name, const sched::QueueUse& use) {
  const std::string key = "queue/" + name;
  {
    Lock lock(mutex_);
    uses_[key] = use;
  }
  keys_.add_after(key, queue_hold);
}

void Notices::forget(const std::string& ns, const std::string& name) {
  Lock lock(mutex_);
  waiting_.erase(key_of("gang", ns, name));
  written_.erase(key_of("gang", ns, name));
  stamps_.erase(key_of("stamp", ns, name));
}

std::optional<Duration> Notices::visit(const std::string& key) {
  std::optional<Waiting> waiting;
  std::optional<Stamps> stamps;
  std::optional<sched::QueueUse> use;
  {
    Lock lock(mutex_);
    const std::int64_t now = system_clock().monotonic_ms();
    if (now < next_write_) return milliseconds(next_write_ - now);
    next_write_ = now + write_gap_ms;
    if (const auto node = waiting_.extract(key)) waiting = std::move(node.mapped());
    if (const auto node = stamps_.extract(key)) stamps = node.mapped();
    if (const auto node = uses_.extract(key)) use = node.mapped();
    if (waiting) {
      // The same words again need no write.
      const auto known = written_.find(key);
      const bool is_same = waiting->verdict
                               ? known != written_.end() && known->second.message == waiting->verdict->message &&
                                     known->second.reason == model::to_text(waiting->verdict->reason)
                               : known == written_.end() && !waiting->was_written;
      if (is_same) return std::nullopt;
      if (waiting->verdict) {
        written_[key] = {std::string(model::to_text(waiting->verdict->reason)), waiting->verdict->message};
      } else {
        written_.erase(key);
      }
    }
  }
  if (waiting) write_waiting(*waiting);
  if (stamps) write_stamps(*stamps);
  if (use) write_queue(key.substr(std::string_view("queue/").size()), *use);
  return std::nullopt;
}

bool Notices::write_waiting(const Waiting& waiting) {
  const std::string now = to_rfc3339_seconds(clock_.now());
  json::Object condition{{"type", "UnschedulableOnNodePool"},
                         {"nodePool", waiting.pool},
                         {"status", waiting.verdict ? "True" : "False"},
                         {"lastTransitionTime", now}};
  if (waiting.verdict) {
    const std::string reason(model::to_text(waiting.verdict->reason));
    condition["reason"] = reason;
    condition["message"] = waiting.verdict->message;
    condition["reasons"] = json::Array{json::Object{
        {"reason", reason},
        {"message", waiting.verdict->message},
        {"details", json::Object{{"queue", waiting.verdict->queue}, {"numbers", numbers_of(*waiting.verdict)}}}}};
  } else {
    condition["reason"] = "Scheduled";
    condition["message"] = "";
  }
  const json::Value patch =
      json::Object{{"status", json::Object{{"schedulingConditions", json::Array{std::move(condition)}}}}};
  const Result<json::Value> written =
      api_.patch_status(kube::kinds::pod_group, kube::Key{waiting.ns, waiting.name}, patch);
  if (!written) {
    if (written.error().kind != ErrorKind::NotFound) {
      log::warn("verdict_not_written", {{"gang", waiting.ns + "/" + waiting.name}, {"error", written.error().text}});
    }
    return false;
  }
  if (waiting.verdict) {
    journal_.warning(subject_of(kube::kinds::pod_group, waiting.ns, waiting.name, waiting.uid),
                     waiting.verdict->reason == model::Reason::GangIncomplete ? "NotReady" : "Unschedulable",
                     waiting.verdict->message);
    write_pods(waiting);
  }
  return true;
}

void Notices::write_pods(const Waiting& waiting) {
  const std::string now = to_rfc3339_seconds(clock_.now());
  for (std::size_t i = 0; i < std::min(waiting.pods.size(), most_pods_marked); ++i) {
    const WaitingPod& pod = waiting.pods[i];
    const json::Value patch = json::Object{
        {"metadata", json::Object{{"resourceVersion", pod.resource_version}}},
        {"status", json::Object{{"conditions", json::Array{json::Object{{"type", "PodScheduled"},
                                                                        {"status", "False"},
                                                                        {"reason", "Unschedulable"},
                                                                        {"message", waiting.verdict->message},
                                                                        {"lastTransitionTime", now}}}}}}};
    // A conflict means that the pod has changed meanwhile, perhaps been bound: then this is old news.
    ignore(api_.patch_status(kube::kinds::pod, kube::Key{waiting.ns, pod.name}, patch), "the next verdict tells again");
    journal_.warning(subject_of(kube::kinds::pod, waiting.ns, pod.name, pod.uid), "Unschedulable",
                     waiting.verdict->message);
  }
}

bool Notices::write_stamps(const Stamps& stamps) {
  json::Object annotations;
  if (stamps.last_start) annotations["kai.scheduler/last-start-timestamp"] = to_rfc3339(*stamps.last_start);
  if (stamps.last_evicted) annotations["kai.scheduler/last-eviction-timestamp"] = to_rfc3339(*stamps.last_evicted);
  const json::Value patch = json::Object{{"metadata", json::Object{{"annotations", std::move(annotations)}}}};
  return api_.patch(kube::kinds::pod_group, kube::Key{stamps.ns, stamps.name}, patch).has_value();
}

bool Notices::write_queue(const std::string& name, const sched::QueueUse& use) {
  const json::Value patch =
      json::Object{{"status", json::Object{{"allocated", resource_list(use.allocated)},
                                           {"allocatedNonPreemptible", resource_list(use.allocated_non_preemptible)},
                                           {"requested", resource_list(use.requested)}}}};
  return api_.patch_status(kube::kinds::queue, kube::Key{"", name}, patch).has_value();
}

}  // namespace muster::cluster
