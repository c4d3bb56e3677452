#include "cluster/group/group_of.h"

#include <charconv>

#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"
#include "model/priority.h"

namespace muster::cluster {
namespace {

namespace keys = model::keys;

struct QueueChoice {
  std::string queue, pool;
  // KAI's label was used: KAI's defaults hold (every pod is preemptible training unless it says otherwise). Else the
  // queue comes from the project and Run:ai's categories hold.
  bool is_kai = false;
};

QueueChoice queue_of(const json::Value& pod, const std::string& namespace_queue) {
  QueueChoice choice;
  choice.pool = kube::label_of(pod, keys::pool_label);
  choice.queue = kube::label_of(pod, keys::queue_label);
  if (!choice.queue.empty()) {
    choice.is_kai = true;
    return choice;
  }
  std::string project = kube::label_of(pod, keys::runai_queue_label);
  if (project.empty()) project = kube::label_of(pod, keys::project_label);
  if (project.empty()) project = namespace_queue;
  choice.queue = project.empty() ? "default-queue" : model::queue_of_project(project, choice.pool);
  choice.is_kai = project.empty();
  return choice;
}

// The default of the kind that a pod comes from, by the way its queue was named (2.4).
std::string default_priority(const kube::Owner& owner, bool is_kai) {
  if (owner.kind == "Training") return "low";
  if (is_kai) return owner.kind == "ReplicaSet" || owner.kind == "Deployment" ? "inference" : "train";
  if (owner.kind == "Job" || owner.kind == "Notebook") return "high";
  return "very-high";
}

std::string priority_of(const json::Value& pod, const kube::Owner& owner, bool is_kai) {
  std::string name = kube::label_of(pod, keys::priority_label);
  if (name.empty()) {
    name = json::text_or(pod, "/spec/priorityClassName");
    if (!model::priority_value(name)) name.clear();
  }
  return name.empty() ? default_priority(owner, is_kai) : name;
}

std::string first_annotation(const json::Value& pod, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (std::string value = kube::annotation_of(pod, name); !value.empty()) return value;
  }
  return "";
}

void put_topology(const json::Value& pod, json::Object& spec) {
  const std::string topology = kube::annotation_of(pod, "kai.scheduler/topology");
  if (topology.empty()) return;
  json::Object constraint{{"topology", topology}};
  const std::string required =
      first_annotation(pod, {"kai.scheduler/topology-required-placement", "kai.scheduler/topology-required"});
  const std::string preferred =
      first_annotation(pod, {"kai.scheduler/topology-preferred-placement", "kai.scheduler/topology-preferred"});
  if (!required.empty()) constraint["requiredTopologyLevel"] = required;
  if (!preferred.empty()) constraint["preferredTopologyLevel"] = preferred;
  spec["topologyConstraint"] = std::move(constraint);
}

std::int64_t min_member_of(const json::Value& pod) {
  const std::string text = kube::annotation_of(pod, keys::min_member_annotation);
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() && number >= 0 && number <= 100'000 ? number : 1;
}

json::Object spec_of(const json::Value& pod, const kube::Owner& owner, const QueueChoice& choice) {
  json::Object spec{{"queue", choice.queue},
                    {"minMember", min_member_of(pod)},
                    {"priorityClassName", priority_of(pod, owner, choice.is_kai)}};
  const std::string preemptibility = kube::label_of(pod, keys::preemptibility_label);
  if (model::parse_preemptibility(preemptibility)) spec["preemptibility"] = preemptibility;
  if (const std::string delay = kube::annotation_of(pod, "kai.scheduler/preemption-delay"); !delay.empty()) {
    spec["preemptionDelay"] = delay;
  }
  if (const std::string grace = kube::annotation_of(pod, "kai.scheduler/staleness-grace-period"); !grace.empty()) {
    spec["stalenessGracePeriod"] = grace;
  }
  put_topology(pod, spec);
  return spec;
}

}  // namespace

std::string pod_group_name(const std::string& owner_name, const std::string& owner_uid) {
  return "pg-" + owner_name + "-" + owner_uid;
}

std::optional<PodGroupWish> group_of(const json::Value& pod, const std::string& namespace_queue) {
  if (kube::annotation_of(pod, "kai.scheduler/skip-podgrouper") == "true") return std::nullopt;
  if (!kube::annotation_of(pod, "kubernetes.io/config.mirror").empty()) return std::nullopt;
  const kube::Owner owner = kube::controller_of(pod);
  PodGroupWish wish;
  wish.name =
      owner.uid.empty() ? pod_group_name(kube::name_of(pod), kube::uid_of(pod)) : pod_group_name(owner.name, owner.uid);
  const std::string preset = kube::annotation_of(pod, keys::pod_group_annotation);
  if (owner.uid.empty() && !preset.empty() && preset != wish.name) {
    wish.name = preset;
    wish.is_users = true;
    return wish;
  }
  const QueueChoice choice = queue_of(pod, namespace_queue);
  json::Object metadata{{"name", wish.name}, {"namespace", kube::namespace_of(pod)}};
  json::Object labels{{std::string(keys::queue_label), choice.queue}};
  if (!choice.pool.empty()) labels[keys::pool_label] = choice.pool;
  for (const std::string_view label : {keys::project_label, keys::workload_label, keys::workload_id_label}) {
    if (const std::string value = kube::label_of(pod, label); !value.empty()) labels[label] = value;
  }
  metadata["labels"] = std::move(labels);
  json::Value reference;
  if (owner.uid.empty()) {
    reference = kube::owner_reference(pod);
  } else {
    reference =
        json::Object{{"apiVersion", owner.api_version}, {"kind", owner.kind}, {"name", owner.name}, {"uid", owner.uid}};
  }
  metadata["ownerReferences"] = json::Array{std::move(reference)};
  wish.object = json::Object{{"apiVersion", kube::kinds::pod_group.api_version()},
                             {"kind", kube::kinds::pod_group.kind},
                             {"metadata", std::move(metadata)},
                             {"spec", spec_of(pod, owner, choice)}};
  return wish;
}

}  // namespace muster::cluster
