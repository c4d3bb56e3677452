#include "control/work/submission.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/quantity.h"
#include "base/text.h"
#include "base/time.h"
#include "control/work/compute.h"
#include "control/work/fields.h"
#include "model/names.h"
#include "model/priority.h"

namespace muster::control {
namespace {

constexpr std::int64_t thirty_days = 2'592'000;
constexpr std::string_view timeout_annotation = "muster.dev/timeout";

const std::vector<std::string> body_fields = {"name",      "useGivenNameAsPrefix", "projectId",
                                              "clusterId", "templateId",           "spec"};
const std::vector<std::string> spec_fields = {"annotations",
                                              "args",
                                              "autoDeletionTimeAfterCompletionSeconds",
                                              "backoffLimit",
                                              "category",
                                              "command",
                                              "completions",
                                              "compute",
                                              "createHomeDir",
                                              "environmentVariables",
                                              "exposedUrls",
                                              "image",
                                              "imagePullPolicy",
                                              "imagePullSecrets",
                                              "labels",
                                              "nodeAffinityRequired",
                                              "nodePools",
                                              "nodeType",
                                              "parallelism",
                                              "podAffinity",
                                              "ports",
                                              "preemptibility",
                                              "priorityClass",
                                              "probes",
                                              "relatedUrls",
                                              "restartPolicy",
                                              "security",
                                              "stdin",
                                              "storage",
                                              "terminateAfterPreemption",
                                              "terminationGracePeriodSeconds",
                                              "tolerations",
                                              "tty",
                                              "workingDir"};

// Labels and annotations that Muster itself writes: nobody may put their own in.
bool is_reserved(std::string_view key) {
  if (key.starts_with("muster.dev/")) return key != timeout_annotation;
  static const std::set<std::string, std::less<>> ours = {
      std::string(model::keys::queue_label),          std::string(model::keys::runai_queue_label),
      std::string(model::keys::project_label),        std::string(model::keys::pool_label),
      std::string(model::keys::priority_label),       std::string(model::keys::preemptibility_label),
      std::string(model::keys::pod_group_annotation), std::string(model::keys::gpu_fraction),
      std::string(model::keys::gpu_memory),           std::string(model::keys::gpu_devices)};
  return ours.contains(key);
}

// Takes items with `exclude: true` out of a list: nothing is left to exclude once the spec is complete.
void drop_excluded(json::Object& spec, std::string_view name) {
  json::Value* value = spec.if_contains(name);
  if (value == nullptr || !value->is_array()) return;
  json::Array kept;
  for (json::Value& item : value->get_array()) {
    if (json::bool_at(item, "/exclude").value_or(false)) continue;
    if (item.is_object()) item.get_object().erase("exclude");
    kept.push_back(std::move(item));
  }
  *value = std::move(kept);
}

Result<void> check_pairs(const Fields& spec, std::string_view name, std::string& timeout) {
  const json::Array* list = TRY(spec.list(name));
  if (list == nullptr) return {};
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string pointer = spec.at(name) + "/" + std::to_string(i);
    const Fields item((*list)[i], pointer);
    TRY(item.only({"name", "value", "exclude"}));
    const std::string key = TRY(item.text("name")).value_or("");
    const std::string value = TRY(item.text("value")).value_or("");
    if (key.empty()) return invalid("an entry needs a name", pointer + "/name");
    if (is_reserved(key)) return invalid("\"" + key + "\" is written by Muster alone", pointer + "/name");
    if (name == "labels" && value.size() > 63)
      return invalid("a label's value has at most 63 letters", pointer + "/value");
    if (key != timeout_annotation) continue;
    const Result<Duration> duration = parse_duration(value);
    if (name != "annotations" || !duration.has_value() || duration->ms <= 0) {
      return invalid("expected an annotation with a duration such as 90s or 2h", pointer + "/value");
    }
    timeout = value;
  }
  return {};
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || name.size() > 256 || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

Result<void> check_environment(const Fields& spec) {
  const json::Array* list = TRY(spec.list("environmentVariables"));
  if (list == nullptr) return {};
  std::set<std::string> seen;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string pointer = spec.at("environmentVariables") + "/" + std::to_string(i);
    const Fields item((*list)[i], pointer);
    TRY(item.only({"name", "value", "secret", "configMap", "podFieldRef", "userCredential", "exclude", "description"}));
    const std::string name = TRY(item.text("name")).value_or("");
    if (!is_variable_name(name)) return invalid("\"" + name + "\" is no name of a variable", pointer + "/name");
    if (!seen.insert(name).second)
      return invalid("variable \"" + name + "\" stands in the list twice", pointer + "/name");
    const std::optional<std::string> value = TRY(item.text("value"));
    for (const char* source : {"secret", "configMap", "podFieldRef", "userCredential"}) {
      if (item.find(source) == nullptr) continue;
      if (value) return invalid("variable \"" + name + "\" has two sources; give one", pointer);
      return invalid("variable \"" + name + "\": this version takes values alone, no " + source + "; give value",
                     pointer + "/" + source);
    }
    if (value && value->find('\0') != std::string::npos)
      return invalid("a value holds a zero byte", pointer + "/value");
    if (!value) return invalid("variable \"" + name + "\" needs a value", pointer);
  }
  return {};
}

// Things that a container runtime does and a plain process of this machine does not get.
Result<void> check_process_runtime(const Fields& spec) {
  const std::string image = TRY(spec.text("image")).value_or("host");
  if (image != "host") {
    return invalid(
        "image \"" + image.substr(0, 200) +
            "\" cannot run: workloads of this machine are processes of the machine itself; leave image out or "
            "give \"host\"",
        spec.at("image"));
  }
  if (const json::Value* storage = spec.find("storage")) {
    if (!storage->is_object()) return invalid("expected an object", spec.at("storage"));
    for (const auto& [name, list] : storage->get_object()) {
      if (list.is_array() && !list.get_array().empty()) {
        return invalid("processes of this machine see its own files; " + std::string(name) + " cannot be mounted",
                       spec.at("storage") + "/" + json::escape_step(name));
      }
    }
  }
  for (const char* name : {"exposedUrls", "imagePullSecrets"}) {
    const json::Array* list = TRY(spec.list(name));
    if (list != nullptr && !list->empty()) {
      return invalid(std::string(name) + " cannot be offered for processes of this machine", spec.at(name));
    }
  }
  const json::Value* security = spec.find("security");
  if (security == nullptr) return {};
  const Fields fields(*security, spec.at("security"));
  TRY(fields.only({"allowPrivilegeEscalation", "capabilities", "hostIpc", "hostNetwork", "readOnlyRootFilesystem",
                   "runAsGid", "runAsNonRoot", "runAsUid", "seccompProfileType", "supplementalGroups",
                   "uidGidSource"}));
  for (const char* name : {"allowPrivilegeEscalation", "readOnlyRootFilesystem"}) {
    if (TRY(fields.boolean(name)).value_or(false)) {
      return invalid(std::string(name) + " cannot be given to processes of this machine", fields.at(name));
    }
  }
  const json::Array* capabilities = TRY(fields.list("capabilities"));
  if (capabilities != nullptr && !capabilities->empty()) {
    return invalid("capabilities cannot be given to processes of this machine", fields.at("capabilities"));
  }
  return {};
}

Result<void> complete_priority(json::Object& spec, const Fields& fields) {
  const std::string priority = TRY(fields.text("priorityClass")).value_or("low");
  const std::optional<std::int32_t> value = model::priority_value(priority);
  if (!value) {
    std::vector<std::string> known;
    for (const model::PriorityClass& one : model::priority_classes()) known.emplace_back(one.name);
    return invalid("there is no priority \"" + priority.substr(0, 80) + "\"" + did_you_mean(priority, known) +
                       "; they are very-low, low, medium-low, medium, medium-high, high, very-high",
                   fields.at("priorityClass"));
  }
  const std::optional<std::string> said = TRY(fields.one_of("preemptibility", {"preemptible", "non-preemptible"}));
  spec["priorityClass"] = priority;
  spec["preemptibility"] = said ? *said : std::string(model::to_text(model::preemptibility_of(*value)));
  spec["category"] = TRY(fields.one_of("category", {"Build", "Train", "Deploy"})).value_or("Train");
  return {};
}

Result<void> complete_running(json::Object& spec, const Fields& fields) {
  constexpr std::int64_t most = 1'000'000'000;
  const std::string command = TRY(fields.text("command")).value_or("");
  const std::string args = TRY(fields.text("args")).value_or("");
  for (const auto& [name, words] : {std::pair<const char*, const std::string*>{"command", &command}, {"args", &args}}) {
    if (!split_words(*words)) return invalid("a quote does not close", fields.at(name));
    if (words->find('\0') != std::string::npos) return invalid("the text holds a zero byte", fields.at(name));
  }
  if (trim(command).empty() && trim(args).empty()) {
    return invalid("a process needs a command", fields.at("command"));
  }
  const std::string folder = TRY(fields.text("workingDir")).value_or("");
  if (!folder.empty() && (folder.front() != '/' || folder.find('\0') != std::string::npos)) {
    return invalid("the working folder is given as an absolute path", fields.at("workingDir"));
  }
  spec["image"] = "host";
  spec["completions"] = TRY(fields.integer("completions", 1, 100'000)).value_or(1);
  spec["parallelism"] = TRY(fields.integer("parallelism", 1, 10'000)).value_or(1);
  spec["backoffLimit"] = TRY(fields.integer("backoffLimit", 0, most)).value_or(6);
  spec["autoDeletionTimeAfterCompletionSeconds"] =
      TRY(fields.integer("autoDeletionTimeAfterCompletionSeconds", 0, most)).value_or(thirty_days);
  spec["terminationGracePeriodSeconds"] = TRY(fields.integer("terminationGracePeriodSeconds", 0, 300)).value_or(30);
  spec["terminateAfterPreemption"] = TRY(fields.boolean("terminateAfterPreemption")).value_or(false);
  const bool stdin_open = TRY(fields.boolean("stdin")).value_or(false);
  if (TRY(fields.boolean("tty")).value_or(false) && !stdin_open) {
    return invalid("tty needs stdin", fields.at("tty"));
  }
  if (const auto policy = TRY(fields.one_of("restartPolicy", {"Always", "Never", "OnFailure"}))) {
    if (*policy == "Always")
      return invalid("a training ends; restartPolicy is Never or OnFailure", fields.at("restartPolicy"));
  }
  return {};
}

Result<void> complete_pools(json::Object& spec, const Fields& fields) {
  const json::Array* list = TRY(fields.list("nodePools"));
  if (list == nullptr || list->empty()) {
    spec["nodePools"] = json::Array{"default"};
    return {};
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (json::text_or((*list)[i], "") != "default") {
      return invalid("there is no such node pool; this version has the pool default alone",
                     fields.at("nodePools") + "/" + std::to_string(i));
    }
  }
  return {};
}

Result<void> complete_spec(json::Object& spec, std::string& timeout) {
  for (const char* list : {"annotations", "labels", "environmentVariables", "ports", "tolerations", "relatedUrls",
                           "exposedUrls", "imagePullSecrets"}) {
    drop_excluded(spec, list);
  }
  // Nulls say nothing: without them the rest reads absent and null alike.
  for (auto it = spec.begin(); it != spec.end();) it = it->value().is_null() ? spec.erase(it) : std::next(it);
  const json::Value copy = spec;
  const Fields fields(copy, "/spec");
  TRY(fields.only(spec_fields));
  TRY(check_process_runtime(fields));
  TRY(check_pairs(fields, "annotations", timeout));
  TRY(check_pairs(fields, "labels", timeout));
  TRY(check_environment(fields));
  TRY(complete_priority(spec, fields));
  TRY(complete_running(spec, fields));
  TRY(complete_pools(spec, fields));
  spec["compute"] = TRY(complete_compute(fields.find("compute"), "/spec/compute"));
  return {};
}

}  // namespace

Result<Submission> read_training(const json::Value& body) {
  const Fields fields(body, "");
  TRY(fields.only(body_fields));
  Submission out;
  out.name = TRY(fields.text("name")).value_or("");
  out.as_prefix = TRY(fields.boolean("useGivenNameAsPrefix")).value_or(false);
  out.project = TRY(fields.text("projectId")).value_or("");
  out.cluster_id = TRY(fields.text("clusterId")).value_or("");
  if (out.project.empty()) return invalid("name the project by its id", "/projectId");
  if (TRY(fields.text("templateId"))) return invalid("this version has no templates", "/templateId");
  if (!out.name.empty() && (!is_dns_label(out.name) || (out.as_prefix && out.name.size() > 57))) {
    return invalid(
        "name \"" + out.name.substr(0, 80) +
            "\" is not possible: at most 63 lower-case letters, digits and hyphens (57 of a prefix), beginning "
            "with a letter and ending with a letter or digit",
        "/name");
  }
  const json::Value* spec = fields.find("spec");
  if (spec == nullptr || !spec->is_object()) return invalid("a training needs a spec", "/spec");
  json::Object complete = spec->get_object();
  TRY(complete_spec(complete, out.timeout));
  out.spec = std::move(complete);
  return out;
}

SpecSummary summarize(const json::Value& spec) {
  SpecSummary out;
  out.priority_class = json::text_or(spec, "/priorityClass", "low");
  out.priority = model::priority_value(out.priority_class).value_or(40);
  out.preemptible = json::text_or(spec, "/preemptibility", "preemptible") == "preemptible";
  out.category = json::text_or(spec, "/category", "Train");
  out.parallelism = json::integer_at(spec, "/parallelism").value_or(1);
  out.completions = json::integer_at(spec, "/completions").value_or(1);
  out.delete_after_seconds = json::integer_at(spec, "/autoDeletionTimeAfterCompletionSeconds").value_or(thirty_days);
  const json::Value* compute = json::member(spec, "compute");
  if (compute == nullptr) return out;
  out.gpu = gpu_request(*compute);
  out.cpu_request = json::number_at(*compute, "/cpuCoreRequest").value_or(0);
  if (const auto memory = parse_units(json::text_or(*compute, "/cpuMemoryRequest", "0")); memory.has_value()) {
    out.memory_request = *memory;
  }
  return out;
}

Result<void> check_identity(const json::Value& spec, std::optional<std::int64_t> uid, std::optional<std::int64_t> gid) {
  const json::Value* security = json::member(spec, "security");
  if (security == nullptr) return {};
  for (const auto& [name, own] :
       {std::pair<const char*, const std::optional<std::int64_t>*>{"runAsUid", &uid}, {"runAsGid", &gid}}) {
    const json::Value* said = json::member(*security, name);
    if (said == nullptr || said->is_null()) continue;
    if (json::integer_at(*said, "") != *own) {
      return invalid("workloads run as the account that submits them; leave " + std::string(name) + " out",
                     std::string("/spec/security/") + name);
    }
  }
  return {};
}

}  // namespace muster::control
