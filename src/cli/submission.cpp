#include "cli/submission.h"

#include <array>

#include "base/quantity.h"
#include "base/text.h"
#include "base/time.h"
#include "model/gpu_request.h"
#include "model/priority.h"

namespace muster::cli {
namespace {

using model::GpuRequest;

Result<GpuRequest> gpus_of(const Invocation& typed) {
  GpuRequest request = TRY(model::parse_gpu_request(typed.value("gpu", "0")).at("--gpu"));
  if (!typed.has("gpu-memory")) return request;
  const std::string size = typed.value("gpu-memory");
  const GpuRequest memory = TRY(model::parse_gpu_request(size).at("--gpu-memory"));
  if (memory.kind != GpuRequest::Kind::Memory || memory.devices != 1)
    return invalid("--gpu-memory \"" + size + "\": expected the memory of each device, such as 10Gi");
  if (request.kind != GpuRequest::Kind::None && request.kind != GpuRequest::Kind::Whole)
    return invalid("--gpu-memory says how much of each device, --gpu then how many: a whole number, not \"" +
                   typed.value("gpu") + "\"");
  const std::int32_t devices = request.kind == GpuRequest::Kind::Whole ? request.devices : 1;
  request = memory;
  request.devices = devices;
  return request;
}

void add_gpus(const GpuRequest& request, json::Object& compute) {
  switch (request.kind) {
    case GpuRequest::Kind::None:
      break;
    case GpuRequest::Kind::Whole:
    case GpuRequest::Kind::Portion:
      compute["gpuDevicesRequest"] = request.devices;
      compute["gpuRequestType"] = "portion";
      compute["gpuPortionRequest"] = request.milli / 1000.0;
      break;
    case GpuRequest::Kind::Memory:
      compute["gpuDevicesRequest"] = request.devices;
      compute["gpuRequestType"] = "memory";
      compute["gpuMemoryRequest"] = bytes_to_text(request.memory_mib << 20);
      break;
    case GpuRequest::Kind::Mig: {
      json::Array extended;
      for (const auto& [resource, count] : request.mig)
        extended.push_back(json::Object{{"resource", resource}, {"quantity", std::to_string(count)}});
      compute["extendedResources"] = std::move(extended);
      break;
    }
  }
}

Result<json::Object> compute_of(const Invocation& typed) {
  json::Object compute;
  add_gpus(TRY(gpus_of(typed)), compute);
  if (typed.has("cpu")) {
    const std::int64_t milli = TRY(parse_milli(typed.value("cpu")).at("--cpu"));
    if (milli <= 0) return invalid("--cpu \"" + typed.value("cpu") + "\": expected more than 0");
    compute["cpuCoreRequest"] = static_cast<double>(milli) / 1000;
    compute["cpuCoreLimit"] = static_cast<double>(milli) / 1000;
  }
  if (typed.has("memory")) {
    const std::int64_t bytes = TRY(parse_units(typed.value("memory")).at("--memory"));
    if (bytes <= 0) return invalid("--memory \"" + typed.value("memory") + "\": expected more than 0");
    compute["cpuMemoryRequest"] = typed.value("memory");
    compute["cpuMemoryLimit"] = typed.value("memory");
  }
  return compute;
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
          c == '.'))
      return false;
  }
  return true;
}

// The caller's own few, then every -e; the last one of a name wins.
Result<json::Array> environment_of(const Invocation& typed, const Surroundings& around) {
  static constexpr std::array<std::string_view, 7> passed = {"PATH", "HOME",        "USER",        "LANG",
                                                             "TERM", "VIRTUAL_ENV", "CONDA_PREFIX"};
  std::vector<std::pair<std::string, std::string>> variables;
  const auto set = [&](const std::string& name, std::string value) {
    for (auto& [known, old] : variables) {
      if (known == name) {
        old = std::move(value);
        return;
      }
    }
    variables.emplace_back(name, std::move(value));
  };
  for (const std::string_view name : passed) {
    if (std::optional<std::string> value = around.variable(name)) set(std::string(name), *std::move(value));
  }
  for (const std::string& word : typed.values("env")) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (!is_variable_name(name)) return invalid("--env \"" + word + "\": expected NAME or NAME=VALUE");
    if (equals != std::string::npos) {
      set(name, word.substr(equals + 1));
      continue;
    }
    std::optional<std::string> value = around.variable(name);
    if (!value)
      return invalid("--env " + name + ": the variable is not set here; give it a value: --env " + name + "=...");
    set(name, *std::move(value));
  }
  json::Array out;
  for (auto& [name, value] : variables) out.push_back(json::Object{{"name", name}, {"value", value}});
  return out;
}

Result<std::int64_t> count_of(const Invocation& typed, const std::string& flag, std::int64_t least,
                              const std::string& what) {
  const std::string text = typed.value(flag);
  const bool is_number = !text.empty() && text.size() <= 6 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoll(text) < least)
    return invalid("--" + flag + " \"" + text + "\": expected a number of " + what + ", such as 3");
  return std::stoll(text);
}

json::Value annotation(std::string_view name, std::string value) {
  return json::Object{{"name", name}, {"value", std::move(value)}};
}

// How many pods, whether they start together, and how near to each other.
Result<void> add_pods(const Invocation& typed, json::Object& spec, json::Array& annotations) {
  std::int64_t parallelism = 1, completions = 1;
  if (typed.has("parallelism"))
    spec["parallelism"] = completions = parallelism = TRY(count_of(typed, "parallelism", 1, "pods"));
  if (typed.has("completions")) completions = TRY(count_of(typed, "completions", 1, "pods"));
  if (completions < parallelism)
    return invalid("--completions " + std::to_string(completions) + " is less than --parallelism " +
                   std::to_string(parallelism));
  if (completions > 1) spec["completions"] = completions;
  if (typed.has("gang")) {
    if (parallelism < 2) return invalid("--gang is about several pods; give --parallelism as well");
    annotations.push_back(annotation("kai.scheduler/batch-min-member", std::to_string(parallelism)));
  }
  if (!typed.has("topology")) {
    for (const char* flag : {"topology-required", "topology-preferred"}) {
      if (typed.has(flag))
        return invalid("--" + std::string(flag) + " names a level of a topology; give --topology as well");
    }
    return {};
  }
  if (!typed.has("topology-required") && !typed.has("topology-preferred"))
    return invalid("--topology " + typed.value("topology") +
                   ": say which level with --topology-required or --topology-preferred");
  annotations.push_back(annotation("kai.scheduler/topology", typed.value("topology")));
  for (const char* word : {"required", "preferred"}) {
    const std::string flag = std::string("topology-") + word;
    if (typed.has(flag)) annotations.push_back(annotation("kai.scheduler/" + flag + "-placement", typed.value(flag)));
  }
  return {};
}

Result<void> add_priority(const Invocation& typed, json::Object& spec) {
  if (typed.has("priority")) {
    const std::string name = typed.value("priority");
    if (!model::priority_value(name)) {
      std::vector<std::string> known;
      for (const model::PriorityClass& one : model::priority_classes()) known.emplace_back(one.name);
      return invalid("--priority \"" + name + "\": expected one of " + join(known, ", ") + did_you_mean(name, known));
    }
    spec["priorityClass"] = name;
  }
  if (typed.has("preemptibility")) spec["preemptibility"] = typed.value("preemptibility");
  return {};
}

}  // namespace

Result<json::Value> submission_of(const Invocation& typed, const Surroundings& around) {
  json::Object spec;
  spec["image"] = "host";
  spec["command"] = quote_words(std::span(typed.rest).first(1));
  if (typed.rest.size() > 1) spec["args"] = quote_words(std::span(typed.rest).subspan(1));
  std::string folder = typed.value("workdir", around.working_folder);
  if (!folder.starts_with('/')) folder = around.working_folder + "/" + folder;
  spec["workingDir"] = folder;
  spec["environmentVariables"] = TRY(environment_of(typed, around));
  if (json::Object compute = TRY(compute_of(typed)); !compute.empty()) spec["compute"] = std::move(compute);
  spec["backoffLimit"] = typed.has("restart") ? TRY(count_of(typed, "restart", 0, "restarts")) : 0;
  TRY(add_priority(typed, spec));
  json::Array annotations;
  TRY(add_pods(typed, spec, annotations));
  if (typed.has("timeout")) {
    const Duration timeout = TRY(parse_duration(typed.value("timeout")).at("--timeout"));
    if (timeout.ms <= 0) return invalid("--timeout \"" + typed.value("timeout") + "\": expected more than 0");
    annotations.push_back(annotation("muster.dev/timeout", to_text(timeout)));
  }
  if (!annotations.empty()) spec["annotations"] = std::move(annotations);
  json::Object body;
  if (typed.has("name")) body["name"] = typed.value("name");
  body["spec"] = std::move(spec);
  return body;
}

}  // namespace muster::cli
