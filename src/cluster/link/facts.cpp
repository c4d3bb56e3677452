#include "cluster/link/facts.h"

#include <algorithm>

#include "kube/objects.h"

namespace muster::cluster {
namespace {

constexpr std::int64_t mib = 1 << 20;

json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value(nullptr) : json::Value(text); }
json::Value time_or_null(const std::optional<Time>& time) {
  return time && time->ms != 0 ? json::Value(to_rfc3339(*time)) : json::Value(nullptr);
}

json::Value number(double value) {
  // Whole numbers are written as such.
  if (value == static_cast<double>(static_cast<std::int64_t>(value))) return static_cast<std::int64_t>(value);
  return value;
}

json::Value milli(std::int64_t thousandths) { return number(static_cast<double>(thousandths) / 1000); }

json::Value amount_or_null(const std::optional<std::int64_t>& amount, bool in_milli) {
  if (!amount) return nullptr;
  return in_milli ? milli(*amount) : json::Value(*amount);
}

json::Value pod_json(const LinkedPod& pod) {
  json::Array devices;
  for (const Granted& one : pod.granted) {
    devices.push_back(
        json::Object{{"uuid", one.uuid}, {"index", one.index}, {"milli", one.milli}, {"memoryMib", one.memory_mib}});
  }
  const Attempt& attempt = pod.attempt;
  json::Object out{{"name", pod.name},
                   {"uid", pod.uid},
                   {"index", attempt.index},
                   {"phase", pod.phase},
                   {"node", text_or_null(pod.node)},
                   {"createdAt", time_or_null(attempt.created)},
                   {"startedAt", time_or_null(attempt.started)},
                   {"completedAt", time_or_null(attempt.finished)},
                   {"devices", std::move(devices)},
                   {"gpus", gpus_text(pod.node, pod.granted)},
                   {"restarts", attempt.failures_before},
                   {"reason", text_or_null(attempt.reason)},
                   {"message", attempt.evicted.empty() ? attempt.message : attempt.evicted},
                   {"leaving", attempt.is_going},
                   {"limits", pod.limits},
                   {"gpuEnforcement", pod.gpu_enforcement.empty() ? "none" : pod.gpu_enforcement},
                   {"deviceEnforcement", pod.device_enforcement.empty() ? "advisory" : pod.device_enforcement}};
  out["exitCode"] = attempt.exit_code ? json::Value(*attempt.exit_code) : json::Value(nullptr);
  return out;
}

json::Value run_json(const PastRun& run) {
  json::Object out{{"pod", run.pod},
                   {"uid", run.uid},
                   {"node", text_or_null(run.node)},
                   {"gpus", run.gpus},
                   {"startedAt", to_rfc3339(run.started)},
                   {"completedAt", time_or_null(run.finished)},
                   {"reason", text_or_null(run.reason)},
                   {"message", run.message}};
  out["exitCode"] = run.exit_code ? json::Value(*run.exit_code) : json::Value(nullptr);
  return out;
}

json::Object share_json(const model::QueueResource& resource, bool in_milli) {
  return {{"quota", amount_or_null(resource.quota, in_milli)},
          {"limit", amount_or_null(resource.limit, in_milli)},
          {"weight", number(static_cast<double>(resource.weight_milli) / 1000)}};
}

json::Value holder_json(const Holder& holder) {
  return json::Object{
      {"workload", holder.workload}, {"workloadId", text_or_null(holder.workload_id)}, {"project", holder.project}};
}

}  // namespace

std::int64_t held_milli(const LinkedPod& pod) {
  if (pod.granted.empty()) return model::charged_milli(pod.gpu, 81920);
  std::int64_t sum = 0;
  for (const Granted& one : pod.granted) sum += one.milli;
  return sum;
}

json::Value verdict_json(const model::Verdict& verdict) {
  json::Object numbers, causes;
  for (const auto& [name, value] : verdict.numbers) numbers[name] = number(value);
  for (const auto& [name, nodes] : verdict.causes) causes[name] = nodes;
  json::Array remedies;
  for (const model::Remedy& remedy : verdict.remedy) {
    json::Object item{{"set", remedy.set}, {"field", remedy.field}};
    if (const double* value = std::get_if<double>(&remedy.to)) {
      item["to"] = number(*value);
    } else if (const std::string* text = std::get_if<std::string>(&remedy.to)) {
      item["to"] = *text;
    } else {
      item["to"] = nullptr;
    }
    remedies.push_back(std::move(item));
  }
  return json::Object{{"reason", std::string(model::to_text(verdict.reason))},
                      {"queue", verdict.queue},
                      {"numbers", std::move(numbers)},
                      {"causes", std::move(causes)},
                      {"message", verdict.message},
                      {"remedy", std::move(remedies)},
                      {"since", to_rfc3339(verdict.since)}};
}

json::Value workload_fact(const WorkloadRow& row, const std::vector<const LinkedPod*>& pods,
                          const std::map<std::string, LinkedNode>& nodes, const model::Verdict* verdict,
                          bool over_quota) {
  const Training& training = row.training;
  const TrainingStatus& status = training.status;
  json::Array pod_list;
  std::int64_t gpu = 0, gpu_memory = 0, cpu = 0, memory = 0, running = 0;
  for (const LinkedPod* pod : pods) {
    pod_list.push_back(pod_json(*pod));
    if (!pod->holds_resources()) continue;
    if (pod->attempt.state == Attempt::State::Running && !pod->attempt.is_going) ++running;
    gpu += held_milli(*pod);
    cpu += pod->cpu;
    memory += pod->memory;
    const auto node = nodes.find(pod->node);
    for (const Granted& one : pod->granted) {
      std::int64_t held = one.memory_mib;
      if (held == 0 && node != nodes.end() && std::cmp_less(one.index, node->second.node.devices.size())) {
        held = node->second.node.devices[static_cast<std::size_t>(one.index)].memory_mib * one.milli / 1000;
      }
      gpu_memory += held * mib;
    }
  }
  const std::string phase(model::to_text(status.phase));
  json::Object out{
      {"id", training.id},
      {"name", training.name},
      {"namespace", training.ns},
      {"project", training.project},
      {"phase", phase},
      {"phaseReason", text_or_null(status.reason)},
      {"phaseMessage", status.message},
      {"phaseUpdatedAt", to_rfc3339(status.phase_updated.value_or(training.created))},
      {"k8sPhase", phase},
      {"conditions", row.conditions},
      {"runningPods", running},
      {"requestedPods", json::Object{{"number", std::min(training.parallelism, training.completions)},
                                     {"parallelism", training.parallelism},
                                     {"completions", training.completions}}},
      {"pods", std::move(pod_list)},
      {"allocated",
       json::Object{{"gpu", milli(gpu)}, {"gpuMemory", gpu_memory}, {"cpu", milli(cpu)}, {"memory", memory}}},
      {"overQuota", over_quota},
      {"preemptible", row.is_preemptible},
      {"priority", row.priority},
      {"restarts", status.restarts},
      {"startedAt", time_or_null(status.started)},
      {"completedAt", time_or_null(status.completed)}};
  out["exitCode"] = status.exit_code ? json::Value(*status.exit_code) : json::Value(nullptr);
  json::Array runs;
  for (const PastRun& run : status.runs) runs.push_back(run_json(run));
  out["runs"] = std::move(runs);
  out["verdict"] = verdict != nullptr ? verdict_json(*verdict) : json::Value(nullptr);
  return out;
}

json::Value queue_fact(const LinkedQueue& row) {
  json::Object out{{"name", row.queue.name}, {"pool", row.queue.pool}};
  if (!row.project.empty()) out["project"] = row.project;
  if (!row.department.empty()) out["department"] = row.department;
  const auto put = [&](const char* name, const model::QueueResource& resource, std::int64_t model::Resources::* field,
                       bool in_milli) {
    json::Object share = share_json(resource, in_milli);
    const auto amount = [&](const model::Resources& from) {
      return in_milli ? milli(from.*field) : json::Value(from.*field);
    };
    const model::Resources none;
    share["fairShare"] = row.use ? amount(row.use->fair_share) : json::Value(nullptr);
    share["allocated"] = amount(row.use ? row.use->allocated : none);
    share["allocatedNonPreemptible"] = amount(row.use ? row.use->allocated_non_preemptible : none);
    share["requested"] = amount(row.use ? row.use->requested : none);
    out[name] = std::move(share);
  };
  put("gpu", row.queue.gpu, &model::Resources::gpu, true);
  put("cpu", row.queue.cpu, &model::Resources::cpu, true);
  put("memory", row.queue.memory, &model::Resources::memory, false);
  return out;
}

json::Value node_fact(const LinkedNode& row, const std::vector<std::pair<const LinkedPod*, Holder>>& pods,
                      const std::map<std::int32_t, Holder>& next) {
  std::int64_t cpu = 0, memory = 0;
  std::map<std::string, json::Array> holders;  // by device uuid
  for (const auto& [pod, who] : pods) {
    cpu += pod->cpu;
    memory += pod->memory;
    for (const Granted& one : pod->granted) {
      json::Object holder = holder_json(who).get_object();
      holder["pod"] = pod->name;
      holder["milli"] = one.milli;
      holder["memoryMib"] = one.memory_mib;
      holder["overQuota"] = who.over_quota;
      holder["leaving"] = who.leaving;
      holders[one.uuid].push_back(std::move(holder));
    }
  }
  json::Object labels;
  for (const auto& [key, value] : row.node.labels) labels[key] = value;
  json::Array taints;
  for (const model::Taint& taint : row.node.taints) {
    taints.push_back(json::Object{{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
  }
  json::Array devices;
  for (std::size_t i = 0; i < row.devices.size(); ++i) {
    json::Object device = row.devices[i].is_object() ? row.devices[i].get_object() : json::Object{};
    device["index"] = i;
    for (const char* sample : {"utilization", "memoryUsedMib", "temperature", "power"}) {
      if (!device.contains(sample)) device[sample] = nullptr;
    }
    const auto held = holders.find(json::text_or(json::Value(device), "/uuid"));
    device["holders"] = held == holders.end() ? json::Array{} : std::move(held->second);
    const auto nominated = next.find(static_cast<std::int32_t>(i));
    device["next"] = nominated == next.end() ? json::Value(nullptr) : holder_json(nominated->second);
    devices.push_back(std::move(device));
  }
  return json::Object{{"name", row.node.name},
                      {"ready", row.node.ready},
                      {"unschedulable", row.node.unschedulable},
                      {"pool", row.node.pool},
                      {"labels", std::move(labels)},
                      {"taints", std::move(taints)},
                      {"simulated", row.is_simulated},
                      {"runtime", row.runtime},
                      {"cpu", json::Object{{"capacity", milli(row.cpu_capacity)}, {"allocated", milli(cpu)}}},
                      {"memory", json::Object{{"capacity", row.memory_capacity}, {"allocated", memory}}},
                      {"createdAt", to_rfc3339(row.created)},
                      {"devices", std::move(devices)}};
}

json::Value event_fact(const json::Value& event, const std::string& workload_id) {
  std::string at = json::text_or(event, "/eventTime");
  for (const char* field : {"/lastTimestamp", "/firstTimestamp", "/metadata/creationTimestamp"}) {
    if (at.empty()) at = json::text_or(event, field);
  }
  return json::Object{{"id", kube::uid_of(event)},
                      {"workloadId", text_or_null(workload_id)},
                      {"at", at},
                      {"type", json::text_or(event, "/type", "Normal")},
                      {"reason", json::text_or(event, "/reason")},
                      {"message", json::text_or(event, "/message")},
                      {"object", json::Object{{"kind", json::text_or(event, "/involvedObject/kind")},
                                              {"name", json::text_or(event, "/involvedObject/name")}}},
                      {"count", json::integer_at(event, "/count").value_or(1)}};
}

}  // namespace muster::cluster
