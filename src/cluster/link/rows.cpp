#include "cluster/link/rows.h"

#include "base/quantity.h"
#include "cluster/group/group_of.h"
#include "cluster/round/decode.h"
#include "cluster/workloads/pod_template.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"
#include "model/priority.h"

namespace muster::cluster {
namespace {

namespace keys = model::keys;

std::int64_t quantity_at(const json::Value& value, std::string_view pointer, bool in_milli) {
  const json::Value* found = json::find(value, pointer);
  if (found == nullptr) return 0;
  std::string text = found->is_string() ? std::string(found->get_string()) : json::write(*found);
  const Result<std::int64_t> amount = in_milli ? parse_milli(text) : parse_units(text);
  return amount ? *amount : 0;
}

}  // namespace

WorkloadRow decode_workload(const json::Value& object) {
  WorkloadRow row;
  row.training = decode_training(object);
  row.gang = row.training.ns + "/" + pod_group_name(row.training.name, row.training.uid);
  const json::Value* pool = json::find(object, "/spec/nodePools/0");
  row.queue = model::queue_of_project(
      row.training.project, pool != nullptr && pool->is_string() ? std::string(pool->get_string()) : "default");
  std::string priority = json::text_or(object, "/spec/priorityClass");
  if (priority.empty()) priority = kube::annotation_of(object, "muster.dev/priority-class");
  row.priority = model::priority_value(priority.empty() ? "low" : priority).value_or(50);
  row.is_preemptible = model::parse_preemptibility(json::text_or(object, "/spec/preemptibility"))
                           .value_or(model::preemptibility_of(row.priority)) != model::Preemptibility::NonPreemptible;
  if (const json::Value* conditions = json::find(object, "/status/conditions"); conditions && conditions->is_array()) {
    row.conditions = conditions->get_array();
  }
  return row;
}

LinkedPod decode_linked_pod(const json::Value& object) {
  LinkedPod row;
  row.attempt = decode_attempt(object);
  row.ns = kube::namespace_of(object);
  row.name = row.attempt.name;
  row.uid = row.attempt.uid;
  row.node = row.attempt.node;
  row.phase = json::text_or(object, "/status/phase", "Pending");
  row.queue = kube::label_of(object, keys::queue_label);
  const kube::Owner owner = kube::controller_of(object);
  if (owner.kind == kube::kinds::training.kind) row.workload_uid = owner.uid;
  const PodRow decoded = decode_pod(object, {json::text_or(object, "/spec/schedulerName")});
  row.granted = decoded.granted;
  row.gpu = decoded.pod.constraints.gpu;
  row.cpu = decoded.pod.constraints.cpu;
  row.memory = decoded.pod.constraints.memory;
  row.restarts = json::integer_at(object, "/status/containerStatuses/0/restartCount").value_or(0);
  const std::string limits = kube::annotation_of(object, "muster.dev/limits");
  if (Result<json::Value> parsed = json::parse(limits.empty() ? "null" : limits)) row.limits = *std::move(parsed);
  row.gpu_enforcement = kube::annotation_of(object, "muster.dev/gpu-enforcement");
  row.device_enforcement = kube::annotation_of(object, "muster.dev/device-enforcement");
  return row;
}

LinkedNode decode_linked_node(const json::Value& object) {
  LinkedNode row;
  row.node = decode_node(object).node;
  row.is_simulated = kube::label_of(object, keys::simulated_label) == "true";
  row.runtime = kube::label_of(object, keys::runtime_label);
  row.cpu_capacity = quantity_at(object, "/status/capacity/cpu", true);
  row.memory_capacity = quantity_at(object, "/status/capacity/memory", false);
  if (row.cpu_capacity == 0) row.cpu_capacity = row.node.cpu;
  if (row.memory_capacity == 0) row.memory_capacity = row.node.memory;
  row.created = kube::created_at(object);
  const std::string devices = kube::annotation_of(object, keys::node_devices_annotation);
  if (Result<json::Value> parsed = json::parse(devices.empty() ? "null" : devices); parsed && parsed->is_array()) {
    row.devices = std::move(parsed->get_array());
    return row;
  }
  const std::string product = kube::label_of(object, "nvidia.com/gpu.product");
  for (std::size_t i = 0; i < row.node.devices.size(); ++i) {
    const model::Device& device = row.node.devices[i];
    row.devices.push_back(json::Object{{"uuid", device.uuid},
                                       {"index", i},
                                       {"model", product},
                                       {"memoryMib", device.memory_mib},
                                       {"healthy", device.healthy},
                                       {"simulated", row.is_simulated}});
  }
  return row;
}

LinkedQueue decode_linked_queue(const json::Value& object) {
  return {decode_queue(object), kube::label_of(object, "muster.dev/project"),
          kube::label_of(object, "muster.dev/department"), std::nullopt};
}

}  // namespace muster::cluster
