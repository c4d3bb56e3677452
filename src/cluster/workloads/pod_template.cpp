#include "cluster/workloads/pod_template.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "base/quantity.h"
#include "base/text.h"
#include "cluster/group/group_of.h"
#include "kube/objects.h"
#include "model/names.h"
#include "model/priority.h"

namespace muster::cluster {
namespace {

namespace keys = model::keys;

struct Parts {
  json::Object labels, annotations;
  json::Object container;
  json::Object requests, limits;
  json::Object spec;
};

const json::Array* list_at(const json::Value& value, std::string_view pointer) {
  const json::Value* at = json::find(value, pointer);
  return at != nullptr && at->is_array() ? &at->get_array() : nullptr;
}

bool is_excluded(const json::Value& item) { return json::bool_at(item, "/exclude").value_or(false); }

// "0.5" as the text of an annotation, without trailing zeros.
std::string portion_text(std::int64_t milli) {
  std::string text = fmt::format("0.{:03}", milli);
  while (text.back() == '0') text.pop_back();
  return text;
}

Result<void> put_gpu(const json::Value& spec, Parts& parts) {
  const json::Value* compute = json::find(spec, "/compute");
  if (compute == nullptr || !compute->is_object()) return {};
  const std::optional<std::int64_t> devices = json::integer_at(*compute, "/gpuDevicesRequest");
  const std::optional<double> portion = json::number_at(*compute, "/gpuPortionRequest");
  const std::optional<std::string> memory = json::text_at(*compute, "/gpuMemoryRequest");
  const bool by_memory =
      json::text_or(*compute, "/gpuRequestType", memory && !portion ? "memory" : "portion") == "memory";
  const std::int64_t count = devices.value_or(portion || memory ? 1 : 0);
  if (count < 0) return invalid("a workload asks for " + std::to_string(count) + " GPUs", "/compute/gpuDevicesRequest");
  if (count == 0) return {};
  const auto put_count = [&] {
    if (count > 1) parts.annotations[keys::gpu_devices] = std::to_string(count);
  };
  if (by_memory) {
    if (!memory) return invalid("a request by GPU memory needs gpuMemoryRequest", "/compute/gpuMemoryRequest");
    const std::int64_t bytes = TRY(parse_units(*memory));
    if (bytes <= 0) return invalid("GPU memory \"" + *memory + "\" is not above 0", "/compute/gpuMemoryRequest");
    constexpr std::int64_t mib = 1 << 20;
    parts.annotations[keys::gpu_memory] = std::to_string((bytes + mib - 1) / mib);
    put_count();
    return {};
  }
  const std::int64_t milli = std::llround(portion.value_or(1) * 1000);
  if (milli < 1 || milli > 1000)
    return invalid("a portion of a GPU is above 0 and at most 1", "/compute/gpuPortionRequest");
  if (milli == 1000) {
    parts.limits["nvidia.com/gpu"] = std::to_string(count);
    return {};
  }
  parts.annotations[keys::gpu_fraction] = portion_text(milli);
  put_count();
  return {};
}

Result<void> put_cpu(const json::Value& spec, Parts& parts) {
  const auto cores = [&](const char* at, json::Object& into) {
    const std::optional<double> number = json::number_at(spec, at);
    if (number && *number > 0) into["cpu"] = milli_to_text(std::llround(*number * 1000));
  };
  cores("/compute/cpuCoreRequest", parts.requests);
  cores("/compute/cpuCoreLimit", parts.limits);
  for (const auto& [at, into] :
       {std::pair{"/compute/cpuMemoryRequest", &parts.requests}, std::pair{"/compute/cpuMemoryLimit", &parts.limits}}) {
    const std::optional<std::string> text = json::text_at(spec, at);
    if (!text || text->empty()) continue;
    const Result<std::int64_t> bytes = parse_units(*text);
    if (!bytes) return invalid(bytes.error().text, at);
    if (*bytes > 0) (*into)["memory"] = *text;
  }
  if (const json::Array* extended = list_at(spec, "/compute/extendedResources")) {
    for (const json::Value& item : *extended) {
      if (!is_excluded(item)) parts.limits[json::text_or(item, "/resource")] = json::text_or(item, "/quantity", "0");
    }
  }
  return {};
}

void put_environment(const json::Value& spec, Parts& parts) {
  json::Array environment;
  if (const json::Array* variables = list_at(spec, "/environmentVariables")) {
    for (const json::Value& item : *variables) {
      if (is_excluded(item)) continue;
      const std::string name = json::text_or(item, "/name");
      json::Object from;
      for (const auto& [field, reference] : {std::pair{"secret", "secretKeyRef"}, {"configMap", "configMapKeyRef"}}) {
        const json::Value* source = json::find(item, std::string("/") + field);
        if (source == nullptr || !source->is_object()) continue;
        from[reference] =
            json::Object{{"name", json::text_or(*source, "/name")}, {"key", json::text_or(*source, "/key")}};
      }
      if (const std::optional<std::string> path = json::text_at(item, "/podFieldRef/path")) {
        from["fieldRef"] = json::Object{{"fieldPath", *path}};
      }
      if (from.empty()) {
        environment.push_back(json::Object{{"name", name}, {"value", json::text_or(item, "/value")}});
      } else {
        environment.push_back(json::Object{{"name", name}, {"valueFrom", std::move(from)}});
      }
    }
  }
  if (!environment.empty()) parts.container["env"] = std::move(environment);
}

Result<void> put_command(const json::Value& spec, Parts& parts) {
  for (const char* field : {"command", "args"}) {
    const json::Value* value = json::find(spec, std::string("/") + field);
    if (value == nullptr) continue;
    json::Array words;
    if (value->is_array()) {
      words = value->get_array();
    } else if (value->is_string()) {
      const std::optional<std::vector<std::string>> split = split_words(std::string(value->get_string()));
      if (!split) return invalid(std::string("a quote in ") + field + " does not close", std::string("/") + field);
      for (const std::string& word : *split) words.emplace_back(word);
    }
    if (!words.empty()) parts.container[field] = std::move(words);
  }
  return {};
}

void put_pairs(const json::Value& spec, std::string_view pointer, json::Object& into) {
  const json::Array* pairs = list_at(spec, pointer);
  if (pairs == nullptr) return;
  for (const json::Value& item : *pairs) {
    if (!is_excluded(item)) into[json::text_or(item, "/name")] = json::text_or(item, "/value");
  }
}

void put_placement(const json::Value& spec, Parts& parts) {
  if (const std::string type = json::text_or(spec, "/nodeType"); !type.empty()) {
    parts.spec["nodeSelector"] = json::Object{{"run.ai/type", type}};
  }
  if (const json::Array* terms = list_at(spec, "/nodeAffinityRequired/nodeSelectorTerms"); terms && !terms->empty()) {
    parts.spec["affinity"] =
        json::Object{{"nodeAffinity", json::Object{{"requiredDuringSchedulingIgnoredDuringExecution",
                                                    json::Object{{"nodeSelectorTerms", *terms}}}}}};
  }
  json::Array tolerations;
  if (const json::Array* list = list_at(spec, "/tolerations")) {
    for (const json::Value& item : *list) {
      if (is_excluded(item)) continue;
      json::Object toleration{{"key", json::text_or(item, "/key")},
                              {"operator", json::text_or(item, "/operator", "Equal")}};
      if (const std::string value = json::text_or(item, "/value"); !value.empty()) toleration["value"] = value;
      const std::string effect = json::text_or(item, "/effect");
      if (!effect.empty() && effect != "Any") toleration["effect"] = effect;
      if (const auto after = json::integer_at(item, "/seconds")) toleration["tolerationSeconds"] = *after;
      tolerations.push_back(std::move(toleration));
    }
  }
  if (!tolerations.empty()) parts.spec["tolerations"] = std::move(tolerations);
  const json::Value* topology = json::find(spec, "/topology");
  if (topology != nullptr && topology->is_object()) {
    for (const auto& [field, key] : {std::pair{"/name", "kai.scheduler/topology"},
                                     {"/requiredPlacement", "kai.scheduler/topology-required-placement"},
                                     {"/preferredPlacement", "kai.scheduler/topology-preferred-placement"}}) {
      if (const std::string value = json::text_or(*topology, field); !value.empty()) parts.annotations[key] = value;
    }
  }
}

// Labels and annotations by which the grouper and everybody else knows the pod.
void put_names(const json::Value& training, const NewPod& pod, Parts& parts) {
  const Training decoded = decode_training(training);
  const json::Value* spec = json::find(training, "/spec");
  put_pairs(*spec, "/labels", parts.labels);
  put_pairs(*spec, "/annotations", parts.annotations);
  for (const auto& [key, value] : kube::labels_of(training)) {
    if (key.starts_with("kai.scheduler/") || key == keys::runai_queue_label) parts.labels[key] = value;
  }
  if (const json::Value* annotations = json::find(training, "/metadata/annotations");
      annotations && annotations->is_object()) {
    for (const auto& [key, value] : annotations->get_object()) {
      if (key.starts_with("kai.scheduler/")) parts.annotations[key] = value;
    }
  }
  const json::Value* pool = json::find(*spec, "/nodePools/0");
  const std::string pool_name = pool != nullptr && pool->is_string() ? std::string(pool->get_string()) : "default";
  if (!decoded.project.empty()) {
    parts.labels[keys::queue_label] = model::queue_of_project(decoded.project, pool_name);
    parts.labels[keys::project_label] = decoded.project;
  }
  if (pool_name != "default") parts.labels[keys::pool_label] = pool_name;
  parts.labels[keys::workload_label] = decoded.name;
  parts.labels[keys::workload_id_label] = decoded.id;
  parts.labels[index_label] = std::to_string(pod.index);
  std::string priority = json::text_or(*spec, "/priorityClass");
  if (priority.empty()) priority = kube::annotation_of(training, "muster.dev/priority-class");
  parts.labels[keys::priority_label] = priority.empty() ? "low" : priority;
  const std::string preemptibility = json::text_or(*spec, "/preemptibility");
  if (model::parse_preemptibility(preemptibility)) parts.labels[keys::preemptibility_label] = preemptibility;
  parts.annotations[failures_annotation] = std::to_string(pod.failures_before);
  // The grouper would write the same; said at once it saves a write and an event per pod.
  parts.annotations[keys::pod_group_annotation] = pod_group_name(decoded.name, decoded.uid);
}

void put_identity(const json::Value& training, Parts& parts) {
  json::Object security;
  for (const auto& [annotation, field] :
       {std::pair{"muster.dev/uid", "runAsUser"}, std::pair{"muster.dev/gid", "runAsGroup"}}) {
    const std::string text = kube::annotation_of(training, annotation);
    std::int64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && ec == std::errc() && end == text.data() + text.size()) security[field] = number;
  }
  if (!security.empty()) parts.spec["securityContext"] = std::move(security);
}

}  // namespace

Result<json::Value> make_pod(const json::Value& training, const NewPod& pod) {
  static const json::Value none = json::Object{};
  const json::Value* found = json::find(training, "/spec");
  const json::Value& spec = found != nullptr && found->is_object() ? *found : none;
  if (&spec == &none) return invalid("training " + kube::name_of(training) + " has no spec", "/spec");
  Parts parts;
  put_names(training, pod, parts);
  parts.container["name"] = "main";
  parts.container["image"] = json::text_or(spec, "/image", "host");
  if (const std::string policy = json::text_or(spec, "/imagePullPolicy"); !policy.empty()) {
    parts.container["imagePullPolicy"] = policy;
  }
  TRY(put_command(spec, parts));
  if (const std::string folder = json::text_or(spec, "/workingDir"); !folder.empty())
    parts.container["workingDir"] = folder;
  put_environment(spec, parts);
  TRY(put_gpu(spec, parts));
  TRY(put_cpu(spec, parts));
  put_placement(spec, parts);
  put_identity(training, parts);
  for (const char* field : {"stdin", "tty"}) {
    if (json::bool_at(spec, std::string("/") + field).value_or(false)) parts.container[field] = true;
  }
  // Without room for others, Kubernetes wants both to be equal for GPUs; a limit alone is a request as well.
  json::Object resources;
  if (!parts.requests.empty()) resources["requests"] = std::move(parts.requests);
  if (!parts.limits.empty()) resources["limits"] = std::move(parts.limits);
  if (!resources.empty()) parts.container["resources"] = std::move(resources);
  parts.spec["schedulerName"] = keys::scheduler_name;
  parts.spec["restartPolicy"] = "Never";
  parts.spec["terminationGracePeriodSeconds"] = json::integer_at(spec, "/terminationGracePeriodSeconds").value_or(30);
  parts.spec["containers"] = json::Array{std::move(parts.container)};
  return json::Object{{"apiVersion", "v1"},
                      {"kind", "Pod"},
                      {"metadata", json::Object{{"name", pod.name},
                                                {"namespace", kube::namespace_of(training)},
                                                {"labels", std::move(parts.labels)},
                                                {"annotations", std::move(parts.annotations)},
                                                {"finalizers", json::Array{run_finalizer}},
                                                {"ownerReferences", json::Array{kube::owner_reference(training)}}}},
                      {"spec", std::move(parts.spec)}};
}

}  // namespace muster::cluster
