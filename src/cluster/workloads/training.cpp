#include "cluster/workloads/training.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "cluster/bind/binder.h"
#include "cluster/granted.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

constexpr std::int64_t thirty_days = 2'592'000;

std::optional<Time> time_at(const json::Value& value, std::string_view pointer) {
  const std::optional<std::string> text = json::text_at(value, pointer);
  if (!text) return std::nullopt;
  const Result<Time> time = parse_rfc3339(*text);
  return time ? std::optional(*time) : std::nullopt;
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

json::Value time_or_null(const std::optional<Time>& time) {
  return time ? json::Value(to_rfc3339(*time)) : json::Value(nullptr);
}

// What the container says, else what the pod says.
void read_end(const json::Value& pod, Attempt& attempt) {
  attempt.reason = json::text_or(pod, "/status/reason");
  attempt.message = json::text_or(pod, "/status/message");
  const json::Value* terminated = json::find(pod, "/status/containerStatuses/0/state/terminated");
  if (terminated != nullptr && terminated->is_object()) {
    attempt.exit_code = json::integer_at(*terminated, "/exitCode");
    attempt.started = time_at(*terminated, "/startedAt");
    attempt.finished = time_at(*terminated, "/finishedAt");
    if (attempt.reason.empty()) attempt.reason = json::text_or(*terminated, "/reason");
    if (attempt.message.empty()) attempt.message = json::text_or(*terminated, "/message");
    return;
  }
  attempt.started = time_at(pod, "/status/containerStatuses/0/state/running/startedAt");
  const json::Value* waiting = json::find(pod, "/status/containerStatuses/0/state/waiting");
  if (waiting != nullptr && attempt.reason.empty()) {
    attempt.reason = json::text_or(*waiting, "/reason");
    attempt.message = json::text_or(*waiting, "/message");
  }
}

json::Value encode_run(const PastRun& run) {
  json::Object object{{"pod", run.pod},
                      {"uid", run.uid},
                      {"node", run.node},
                      {"gpus", run.gpus},
                      {"startedAt", to_rfc3339(run.started)},
                      {"completedAt", time_or_null(run.finished)},
                      {"reason", run.reason},
                      {"message", run.message}};
  object["exitCode"] = run.exit_code ? json::Value(*run.exit_code) : json::Value(nullptr);
  return object;
}

PastRun decode_run(const json::Value& object) {
  PastRun run;
  run.pod = json::text_or(object, "/pod");
  run.uid = json::text_or(object, "/uid");
  run.node = json::text_or(object, "/node");
  run.gpus = json::text_or(object, "/gpus");
  run.started = time_at(object, "/startedAt").value_or(Time{});
  run.finished = time_at(object, "/completedAt");
  run.exit_code = json::integer_at(object, "/exitCode");
  run.reason = json::text_or(object, "/reason");
  run.message = json::text_or(object, "/message");
  return run;
}

}  // namespace

std::string write_indexes(const std::set<std::int64_t>& indexes) {
  std::string text;
  for (auto it = indexes.begin(); it != indexes.end();) {
    const std::int64_t first = *it;
    std::int64_t last = first;
    while (++it != indexes.end() && *it == last + 1) last = *it;
    if (!text.empty()) text += ",";
    text += std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return text;
}

std::set<std::int64_t> read_indexes(std::string_view text) {
  std::set<std::int64_t> indexes;
  if (text.empty()) return indexes;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const std::int64_t first = number_of(std::string(part.substr(0, dash)));
    const std::int64_t last = dash == std::string_view::npos ? first : number_of(std::string(part.substr(dash + 1)));
    for (std::int64_t index = first; index <= last && index - first < 100'000; ++index) indexes.insert(index);
  }
  return indexes;
}

TrainingStatus decode_status(const json::Value& object) {
  TrainingStatus status;
  const auto text = [&](const char* name) { return json::text_or(object, std::string("/status/") + name); };
  const auto number = [&](const char* name) {
    return json::integer_at(object, std::string("/status/") + name).value_or(0);
  };
  model::parse(text("phase"), status.phase);
  status.reason = text("phaseReason");
  status.message = text("phaseMessage");
  status.phase_updated = time_at(object, "/status/phaseUpdatedAt");
  status.started = time_at(object, "/status/startedAt");
  status.completed = time_at(object, "/status/completedAt");
  status.active = number("active");
  status.running = number("running");
  status.succeeded = number("succeeded");
  status.failed = number("failed");
  status.restarts = number("restarts");
  status.exit_code = json::integer_at(object, "/status/exitCode");
  status.done = read_indexes(text("completedIndexes"));
  if (const json::Value* runs = json::find(object, "/status/runs"); runs != nullptr && runs->is_array()) {
    for (const json::Value& run : runs->get_array()) status.runs.push_back(decode_run(run));
  }
  return status;
}

json::Value encode_status(const TrainingStatus& status) {
  json::Object object{{"phase", std::string(model::to_text(status.phase))},
                      {"phaseReason", status.reason},
                      {"phaseMessage", status.message},
                      {"phaseUpdatedAt", time_or_null(status.phase_updated)},
                      {"startedAt", time_or_null(status.started)},
                      {"completedAt", time_or_null(status.completed)},
                      {"active", status.active},
                      {"running", status.running},
                      {"succeeded", status.succeeded},
                      {"failed", status.failed},
                      {"restarts", status.restarts}};
  object["completedIndexes"] = write_indexes(status.done);
  object["exitCode"] = status.exit_code ? json::Value(*status.exit_code) : json::Value(nullptr);
  json::Array runs;
  for (const PastRun& run : status.runs) runs.push_back(encode_run(run));
  object["runs"] = std::move(runs);
  return object;
}

Training decode_training(const json::Value& object) {
  Training training;
  training.ns = kube::namespace_of(object);
  training.name = kube::name_of(object);
  training.uid = kube::uid_of(object);
  training.id = kube::label_of(object, model::keys::workload_id_label);
  if (training.id.empty()) training.id = training.uid;
  training.project = kube::label_of(object, model::keys::project_label);
  if (training.project.empty() && training.ns.starts_with("runai-")) training.project = training.ns.substr(6);
  training.created = kube::created_at(object);
  training.is_being_deleted = kube::is_being_deleted(object);
  if (const json::Value* finalizers = json::find(object, "/metadata/finalizers");
      finalizers && finalizers->is_array()) {
    training.has_finalizer = std::any_of(
        finalizers->get_array().begin(), finalizers->get_array().end(),
        [](const json::Value& item) { return item.is_string() && item.get_string() == training_finalizer; });
  }
  training.suspend = json::bool_at(object, "/spec/suspend").value_or(false);
  const auto count = [&](const char* at, std::int64_t least, std::int64_t otherwise) {
    return std::clamp<std::int64_t>(json::integer_at(object, at).value_or(otherwise), least, 100'000);
  };
  training.completions = count("/spec/completions", 1, 1);
  training.parallelism = count("/spec/parallelism", 1, 1);
  training.backoff_limit = count("/spec/backoffLimit", 0, 6);
  if (json::text_or(object, "/spec/restartPolicy") == "Always") training.restart = Restart::Always;
  if (const Result<Duration> timeout = parse_duration(kube::annotation_of(object, "muster.dev/timeout"));
      timeout && timeout->ms > 0) {
    training.timeout = *timeout;
  }
  training.delete_after =
      seconds(json::integer_at(object, "/spec/autoDeletionTimeAfterCompletionSeconds").value_or(thirty_days));
  training.terminate_after_preemption = json::bool_at(object, "/spec/terminateAfterPreemption").value_or(false);
  training.status = decode_status(object);
  return training;
}

Attempt decode_attempt(const json::Value& pod) {
  Attempt attempt;
  attempt.name = kube::name_of(pod);
  attempt.uid = kube::uid_of(pod);
  attempt.node = json::text_or(pod, "/spec/nodeName");
  attempt.index = number_of(kube::label_of(pod, index_label));
  attempt.failures_before = number_of(kube::annotation_of(pod, failures_annotation));
  attempt.created = kube::created_at(pod);
  attempt.is_going = kube::is_being_deleted(pod);
  // As the API server says it: nobody runs what was never bound, and grace 0 is the word of whoever ran it.
  attempt.is_let_go =
      attempt.is_going &&
      (attempt.node.empty() || json::integer_at(pod, "/metadata/deletionGracePeriodSeconds").value_or(0) == 0);
  if (const json::Value* finalizers = json::find(pod, "/metadata/finalizers"); finalizers && finalizers->is_array()) {
    for (const json::Value& item : finalizers->get_array()) {
      if (item.is_string()) attempt.finalizers.emplace_back(item.get_string());
    }
  }
  if (const auto granted = read_granted(kube::annotation_of(pod, model::keys::devices_annotation)))
    attempt.gpus = gpus_text(attempt.node, *granted);
  read_end(pod, attempt);
  const std::string phase = json::text_or(pod, "/status/phase");
  if (phase == "Succeeded") {
    attempt.state = Attempt::State::Succeeded;
    if (!attempt.exit_code) attempt.exit_code = 0;
  } else if (phase == "Failed") {
    attempt.state = Attempt::State::Failed;
  } else if (phase == "Running") {
    attempt.state = Attempt::State::Running;
  } else {
    attempt.state = attempt.node.empty() ? Attempt::State::Pending : Attempt::State::Bound;
  }
  if (const std::string evicted = kube::annotation_of(pod, evicted_annotation); !evicted.empty()) {
    const Result<json::Value> note = json::parse(evicted);
    attempt.evicted = note ? json::text_or(*note, "/message", "evicted by the scheduler") : "evicted by the scheduler";
  }
  return attempt;
}

}  // namespace muster::cluster
