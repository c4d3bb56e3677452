#include "control/work/entity.h"

#include <algorithm>

#include "base/ids.h"
#include "base/quantity.h"
#include "model/gpu_request.h"

namespace muster::control {
namespace {

using model::GpuRequest;

json::Value null_or(const std::optional<std::int64_t>& number) {
  return number ? json::Value(*number) : json::Value(nullptr);
}

json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value(nullptr) : json::Value(text); }

// PhaseReason of Run:ai's contract has these two words alone; ours are in `waiting`.
json::Value phase_reason(const Workload& one) {
  const bool known = one.phase_reason == "NonPreemptibleOverQuota" || one.phase_reason == "OverLimit";
  return known ? json::Value(one.phase_reason) : json::Value(nullptr);
}

// `each` bytes `times` over. Absurd requests wait for ever, but they must not wrap around here.
std::string bytes_text(std::int64_t each, std::int64_t times) {
  const double product = static_cast<double>(each) * static_cast<double>(times);
  return bytes_to_text(product < 9e18 ? each * times : std::int64_t{9'000'000'000'000'000'000});
}

// What `pods` pods of this spec ask together.
json::Value requested(const json::Value& compute, const SpecSummary& summary, std::int64_t pods) {
  const GpuRequest& gpu = summary.gpu;
  const double count = static_cast<double>(pods);
  json::Object out;
  if (gpu.kind == GpuRequest::Kind::None) {
    out["gpuRequestType"] = nullptr;
    out["gpu"] = json::Object{{"request", 0}, {"limit", 0}};
  } else if (gpu.kind == GpuRequest::Kind::Memory) {
    const std::int64_t limit = gpu.memory_limit_mib == 0 ? gpu.memory_mib : gpu.memory_limit_mib;
    const std::int64_t devices = gpu.devices * pods;
    out["gpuRequestType"] = "memory";
    out["gpuMemory"] = json::Object{{"request", bytes_text(gpu.memory_mib << 20, devices)},
                                    {"limit", bytes_text(limit << 20, devices)}};
  } else {
    const std::int32_t limit = gpu.milli_limit == 0 ? gpu.milli : gpu.milli_limit;
    out["gpuRequestType"] = "portion";
    out["gpu"] = json::Object{{"request", static_cast<double>(gpu.devices) * gpu.milli * count / 1000},
                              {"limit", static_cast<double>(gpu.devices) * limit * count / 1000}};
  }
  const std::optional<double> core_limit = json::number_at(compute, "/cpuCoreLimit");
  out["cpu"] = json::Object{{"request", summary.cpu_request * count},
                            {"limit", core_limit ? json::Value(*core_limit * count) : json::Value(nullptr)}};
  json::Object memory{{"request", bytes_text(summary.memory_request, pods)}, {"limit", nullptr}};
  if (const auto said = json::text_at(compute, "/cpuMemoryLimit")) {
    const Result<std::int64_t> bytes = parse_units(*said);
    if (bytes.has_value()) memory["limit"] = bytes_text(*bytes, pods);
  }
  out["cpuMemory"] = std::move(memory);
  const json::Value* extended = json::member(compute, "extendedResources");
  out["extendedResources"] = extended == nullptr ? json::Value(json::Array{}) : *extended;
  return out;
}

json::Value allocated(const Workload& one) {
  const auto number = [&](const char* at) {
    return one.fact == nullptr ? 0.0 : json::number_at(*one.fact, at).value_or(0);
  };
  const auto bytes = [&](const char* at) { return bytes_to_text(static_cast<std::int64_t>(number(at))); };
  return json::Object{{"gpu", number("/allocated/gpu")},
                      {"gpuMemory", bytes("/allocated/gpuMemory")},
                      {"cpu", number("/allocated/cpu")},
                      {"cpuMemory", bytes("/allocated/memory")},
                      {"extendedResources", json::Array{}}};
}

// What never changes after acceptance.
void add_identity(json::Object& out, const Workload& one, const std::string& cluster_id) {
  out["tenantId"] = tenant;
  out["id"] = one.id;
  out["name"] = one.name;
  out["type"] = "Training";
  out["clusterId"] = cluster_id;
  out["projectId"] = one.project_id;
  out["projectName"] = one.project;
  out["departmentId"] = one.department_id;
  out["departmentName"] = one.department;
  out["namespace"] = one.ns;
  out["submittedBy"] = one.submitted_by;
  out["source"] = one.source;
  out["category"] = one.summary.category;
  out["priority"] = one.summary.priority;
  out["priorityClassName"] = one.summary.priority_class;
  out["preemptible"] = one.summary.preemptible;
  out["createdAt"] = to_rfc3339(one.created);
}

void add_spec(json::Object& out, const Workload& one, const json::Value& spec) {
  const json::Value nothing = json::Object{};
  const json::Value* compute = json::member(spec, "compute");
  if (compute == nullptr) compute = &nothing;
  const std::int64_t pods = std::min(one.summary.parallelism, one.summary.completions);
  out["images"] = json::Array{"host"};
  out["command"] = json::text_or(spec, "/command");
  out["arguments"] = json::text_or(spec, "/args");
  out["workloadRequestedResources"] = requested(*compute, one.summary, pods);
  out["podsRequestedResources"] = requested(*compute, one.summary, 1);
  out["requestedNodePools"] = json::Array{"default"};
  out["gpuRequestText"] = model::to_text(one.summary.gpu);
  for (const char* list : {"urls", "externalConnections", "datasources", "environments", "childrenIds"}) {
    out[list] = json::Array{};
  }
  out["additionalFields"] = json::Object{};
}

void add_state(json::Object& out, const Workload& one) {
  const auto fact = [&](const char* name) { return one.fact == nullptr ? nullptr : json::member(*one.fact, name); };
  const json::Value* conditions = fact("conditions");
  const json::Value* pods = fact("requestedPods");
  const bool holds = one.phase == model::Phase::Running || one.phase == model::Phase::Initializing ||
                     one.phase == model::Phase::Degraded;
  out["phase"] = model::to_text(one.phase);
  out["phaseReason"] = phase_reason(one);
  out["phaseMessage"] = one.phase_message;
  out["phaseUpdatedAt"] = to_rfc3339(one.phase_at);
  out["k8sPhase"] = one.fact == nullptr ? std::string(model::to_text(one.phase))
                                        : json::text_or(*one.fact, "/k8sPhase", model::to_text(one.phase));
  out["k8sPhaseUpdatedAt"] = to_rfc3339(one.phase_at);
  out["conditions"] = conditions != nullptr && conditions->is_array() ? *conditions : json::Value(json::Array{});
  out["updatedAt"] = to_rfc3339(std::max(one.updated, one.phase_at));
  out["completedAt"] = time_json(one.completed);
  out["deletedAt"] = time_json(one.deleted);
  out["runningPods"] = one.fact == nullptr ? 0 : json::integer_at(*one.fact, "/runningPods").value_or(0);
  const std::int64_t number = std::min(one.summary.parallelism, one.summary.completions);
  out["requestedPods"] = pods != nullptr && pods->is_object()
                             ? *pods
                             : json::Value(json::Object{{"number", number},
                                                        {"parallelism", one.summary.parallelism},
                                                        {"completions", one.summary.completions}});
  out["allocatedResources"] = allocated(one);
  out["currentNodePools"] = holds ? json::Array{"default"} : json::Array{};
  const bool going = one.wanted == Wanted::Deleted || one.deleted.has_value();
  out["actionsSupport"] = json::Object{{"delete", !going}, {"suspend", !going && !one.is_final()}};
  out["exitCode"] = null_or(one.exit_code);
  out["restarts"] = one.restarts;
  const json::Value* over = fact("overQuota");
  out["overQuota"] = over != nullptr && over->is_bool() ? over->get_bool() : false;
  out["waiting"] = waiting_json(one);
}

json::Value parsed_spec(const Workload& one) {
  Result<json::Value> spec = json::parse(one.spec, {.bytes = 4 << 20});
  return spec.has_value() ? *std::move(spec) : json::Value(json::Object{});
}

json::Value environment_of(const json::Value& spec) {
  json::Object environment;
  if (const json::Value* list = json::member(spec, "environmentVariables"); list != nullptr && list->is_array()) {
    for (const json::Value& item : list->get_array()) {
      environment[json::text_or(item, "/name")] = json::text_or(item, "/value");
    }
  }
  return environment;
}

json::Value shown_spec(const Workload& one, Secrets secrets) {
  json::Value spec = parsed_spec(one);
  if (secrets == Secrets::Hidden) spec.get_object().erase("environmentVariables");
  return spec;
}

const json::Array* pods_of(const Workload& one) {
  if (one.fact == nullptr) return nullptr;
  const json::Value* pods = json::member(*one.fact, "pods");
  return pods != nullptr && pods->is_array() ? &pods->get_array() : nullptr;
}

// The weakest word of all pods: a promise holds only when it holds for each.
std::string weakest(const json::Array* pods, std::string_view pointer,
                    std::initializer_list<std::string_view> weak_first, std::string_view without_pods) {
  if (pods == nullptr || pods->empty()) return std::string(without_pods);
  for (const std::string_view word : weak_first) {
    for (const json::Value& pod : *pods) {
      if (json::text_or(pod, pointer) == word) return std::string(word);
    }
  }
  return std::string(without_pods);
}

}  // namespace

json::Value time_json(const std::optional<Time>& time) {
  return time ? json::Value(to_rfc3339(*time)) : json::Value(nullptr);
}

json::Value waiting_json(const Workload& one) {
  const json::Value* verdict = one.fact == nullptr ? nullptr : json::member(*one.fact, "verdict");
  if (verdict == nullptr || !verdict->is_object() || one.wanted != Wanted::Running) return nullptr;
  json::Value out = *verdict;
  out.get_object().erase("remedy");
  return out;
}

std::string entity_text(const Workload& one, const std::string& cluster_id, Time now) {
  if (one.entity.empty()) {
    json::Object out;
    out.reserve(64);
    add_identity(out, one, cluster_id);
    add_spec(out, one, parsed_spec(one));
    add_state(out, one);
    one.entity = json::write(out);
    one.entity.pop_back();
  }
  const Spent spent = time_spent(one, now);
  return one.entity +
         ",\"idleGpus\":null,\"idleAllocatedGpus\":null,\"guaranteedRuntimeEndsAt\":null,\"totalPendingTimeSeconds\":" +
         std::to_string(spent.pending) + ",\"totalRunningTimeSeconds\":" + std::to_string(spent.running) + "}";
}

json::Value detailed(const Workload& one, const std::string& cluster_id, Time now, Secrets secrets) {
  Result<json::Value> read = json::parse(entity_text(one, cluster_id, now), {.bytes = 16 << 20});
  json::Value out = read.has_value() ? *std::move(read) : json::Value(json::Object{});
  if (secrets == Secrets::Shown) out.get_object()["environmentVariables"] = environment_of(parsed_spec(one));
  json::Array messages;
  const json::Value waiting = waiting_json(one);
  if (waiting.is_object() && !phase_reason(one).is_null()) {
    const std::string queue = json::text_or(waiting, "/queue");
    messages.push_back(json::Object{{"nodePool", "default"},
                                    {"phaseReason", one.phase_reason},
                                    {"reason", json::text_or(waiting, "/reason")},
                                    {"orgType", queue.starts_with("dept--") ? "DEPARTMENT" : "PROJECT"},
                                    {"userMessage", json::text_or(waiting, "/message")}});
  }
  out.get_object()["pendingSchedulingMessages"] = std::move(messages);
  return out;
}

json::Value described(const Workload& one, const std::string& cluster_id, Time now, Secrets secrets) {
  json::Value out = detailed(one, cluster_id, now, secrets);
  json::Object& object = out.get_object();
  const json::Array* pods = pods_of(one);
  object["pods"] = pods == nullptr ? json::Array{} : *pods;
  const json::Value* runs = one.fact == nullptr ? nullptr : json::member(*one.fact, "runs");
  object["runs"] = runs != nullptr && runs->is_array() ? *runs : json::Value(json::Array{});
  object["gpuEnforcement"] = weakest(pods, "/gpuEnforcement", {"none", "muster", "driver", "mig"}, "none");
  object["limits"] =
      json::Object{{"cpu", weakest(pods, "/limits/cpu", {"not enforced", "enforced"}, "not enforced")},
                   {"memory", weakest(pods, "/limits/memory", {"not enforced", "enforced"}, "not enforced")}};
  object["devices"] = weakest(pods, "/deviceEnforcement", {"advisory", "enforced"}, "advisory");
  object["startedAt"] = time_json(one.started);
  object["spec"] = shown_spec(one, secrets);
  json::Array timeline;
  for (const PhaseChange& change : one.timeline) {
    timeline.push_back(json::Object{
        {"phase", model::to_text(change.phase)}, {"at", to_rfc3339(change.at)}, {"message", change.message}});
  }
  object["timeline"] = std::move(timeline);
  return out;
}

json::Value training_json(const Workload& one, const std::string& cluster_id, Secrets secrets) {
  return json::Object{{"name", one.name},
                      {"requestedName", one.requested_name},
                      {"workloadId", one.id},
                      {"projectId", one.project_id},
                      {"departmentId", one.department_id},
                      {"clusterId", cluster_id},
                      {"createdBy", one.submitted_by},
                      {"createdAt", to_rfc3339(one.created)},
                      {"deletedAt", time_json(one.deleted)},
                      {"desiredPhase", to_text(one.wanted)},
                      {"actualPhase", model::to_text(one.phase)},
                      {"spec", shown_spec(one, secrets)}};
}

json::Array pods_json(const Workload& one, const std::string& cluster_id) {
  json::Array out;
  const json::Array* pods = pods_of(one);
  if (pods == nullptr) return out;
  const json::Value spec = parsed_spec(one);
  const json::Value* compute = json::member(spec, "compute");
  for (const json::Value& pod : *pods) {
    const std::string name = json::text_or(pod, "/name");
    const std::string uid = json::text_or(pod, "/uid");
    std::int64_t milli = 0, memory = 0;
    if (const json::Value* devices = json::member(pod, "devices"); devices != nullptr && devices->is_array()) {
      for (const json::Value& device : devices->get_array()) {
        milli += json::integer_at(device, "/milli").value_or(0);
        memory += json::integer_at(device, "/memoryMib").value_or(0);
      }
    }
    const json::Value* started = json::find(pod, "/startedAt");
    const json::Value* completed = json::find(pod, "/completedAt");
    const std::string created = json::text_or(pod, "/createdAt", to_rfc3339(one.created));
    out.push_back(json::Object{
        {"tenantId", tenant},
        {"id", is_uuid(uid) ? uid : uuid_of_name(one.id + "/" + name)},
        {"name", name},
        {"workloadId", one.id},
        {"workloadName", one.name},
        {"clusterId", cluster_id},
        {"projectId", one.project_id},
        {"projectName", one.project},
        {"priorityClassName", one.summary.priority_class},
        {"nodeName", text_or_null(json::text_or(pod, "/node"))},
        {"createdAt", created},
        {"updatedAt", to_rfc3339(std::max(one.updated, one.phase_at))},
        {"completedAt", completed == nullptr ? json::Value(nullptr) : *completed},
        {"deletedAt", time_json(one.deleted)},
        {"containers", json::Array{json::Object{{"name", "main"},
                                                {"image", "host"},
                                                {"startedAt", started == nullptr ? json::Value(nullptr) : *started}}}},
        {"currentNodePool", "default"},
        {"requestedNodePools", json::Array{"default"}},
        {"requestedResources", requested(compute == nullptr ? json::Value(json::Object{}) : *compute, one.summary, 1)},
        {"allocatedResources", json::Object{{"gpu", static_cast<double>(milli) / 1000},
                                            {"gpuMemory", bytes_to_text(memory << 20)},
                                            {"extendedResources", json::Array{}}}},
        {"tolerations", json::Array{}},
        {"k8sPhase", json::text_or(pod, "/phase", "Unknown")},
        {"k8sPhaseUpdatedAt", to_rfc3339(one.phase_at)},
        {"ip", nullptr},
        {"exitCode", json::member(pod, "exitCode") == nullptr ? json::Value(nullptr) : *json::member(pod, "exitCode")},
        {"restarts", json::integer_at(pod, "/restarts").value_or(0)},
        {"gpus", json::text_or(pod, "/gpus")}});
  }
  return out;
}

}  // namespace muster::control
