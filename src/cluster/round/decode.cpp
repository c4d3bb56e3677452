#include "cluster/round/decode.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/quantity.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

using model::Constraints;
namespace keys = model::keys;

constexpr std::string_view whole_gpu = "nvidia.com/gpu";
constexpr std::string_view mig_prefix = "nvidia.com/mig-";

const json::Array* array_at(const json::Value& value, std::string_view pointer) {
  const json::Value* at = json::find(value, pointer);
  return at != nullptr && at->is_array() ? &at->get_array() : nullptr;
}

const json::Object* object_at(const json::Value& value, std::string_view pointer) {
  const json::Value* at = json::find(value, pointer);
  return at != nullptr && at->is_object() ? &at->get_object() : nullptr;
}

std::map<std::string, std::string> texts_at(const json::Value& value, std::string_view pointer) {
  std::map<std::string, std::string> texts;
  if (const json::Object* object = object_at(value, pointer)) {
    for (const auto& [key, item] : *object) {
      if (item.is_string()) texts[std::string(key)] = std::string(item.get_string());
    }
  }
  return texts;
}

// A quantity in its own unit: CPU in milli-cores, everything else in units. Numbers are taken as they are.
std::int64_t amount_of(std::string_view resource, const json::Value& value) {
  std::string text;
  if (value.is_string()) text = std::string(value.get_string());
  if (value.is_number()) text = json::write(value);
  const Result<std::int64_t> amount = resource == "cpu" ? parse_milli(text) : parse_units(text);
  return amount ? std::max<std::int64_t>(*amount, 0) : 0;
}

using Amounts = std::map<std::string, std::int64_t>;

// Requests of one container; a limit without a request is one.
Amounts amounts_of_container(const json::Value& container) {
  Amounts amounts;
  for (const std::string_view list : {"/resources/limits", "/resources/requests"}) {
    if (const json::Object* object = object_at(container, list)) {
      for (const auto& [name, value] : *object) amounts[std::string(name)] = amount_of(name, value);
    }
  }
  return amounts;
}

// Sum of the containers, or what the largest init container wants if that is more.
Amounts amounts_of_pod(const json::Value& pod) {
  Amounts sum;
  if (const json::Array* containers = array_at(pod, "/spec/containers")) {
    for (const json::Value& container : *containers) {
      for (const auto& [name, amount] : amounts_of_container(container)) sum[name] += amount;
    }
  }
  if (const json::Array* containers = array_at(pod, "/spec/initContainers")) {
    for (const json::Value& container : *containers) {
      for (const auto& [name, amount] : amounts_of_container(container)) sum[name] = std::max(sum[name], amount);
    }
  }
  if (const json::Object* overhead = object_at(pod, "/spec/overhead")) {
    for (const auto& [name, value] : *overhead) sum[std::string(name)] += amount_of(name, value);
  }
  return sum;
}

std::vector<std::string> texts_of(const json::Array* array) {
  std::vector<std::string> texts;
  if (array == nullptr) return texts;
  for (const json::Value& item : *array) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

std::vector<model::NodeExpression> expressions_of(const json::Value& term) {
  std::vector<model::NodeExpression> expressions;
  if (const json::Array* array = array_at(term, "/matchExpressions")) {
    for (const json::Value& item : *array) {
      expressions.push_back(
          {json::text_or(item, "/key"), json::text_or(item, "/operator"), texts_of(array_at(item, "/values"))});
    }
  }
  // metadata.name is the one field that may be matched; nodes carry it as this label.
  if (const json::Array* array = array_at(term, "/matchFields")) {
    for (const json::Value& item : *array) {
      expressions.push_back(
          {"kubernetes.io/hostname", json::text_or(item, "/operator"), texts_of(array_at(item, "/values"))});
    }
  }
  return expressions;
}

// `plain` becomes false where a selector says more than labels that are equal.
std::vector<model::PodTerm> pod_terms_of(const json::Value& pod, std::string_view which, bool& plain) {
  std::vector<model::PodTerm> terms;
  const std::string pointer =
      "/spec/affinity/" + std::string(which) + "/requiredDuringSchedulingIgnoredDuringExecution";
  if (const json::Array* array = array_at(pod, pointer)) {
    for (const json::Value& item : *array) {
      model::PodTerm term{json::text_or(item, "/topologyKey"), texts_at(item, "/labelSelector/matchLabels")};
      if (const json::Array* expressions = array_at(item, "/labelSelector/matchExpressions")) {
        for (const json::Value& expression : *expressions) {
          const std::vector<std::string> values = texts_of(array_at(expression, "/values"));
          if (json::text_or(expression, "/operator") == "In" && values.size() == 1) {
            term.labels[json::text_or(expression, "/key")] = values.front();
          } else {
            plain = false;
          }
        }
      }
      terms.push_back(std::move(term));
    }
  }
  return terms;
}

void read_placement(const json::Value& pod, Constraints& out) {
  out.node_selector = texts_at(pod, "/spec/nodeSelector");
  if (const json::Array* terms = array_at(
          pod, "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")) {
    for (const json::Value& term : *terms) out.node_affinity.push_back(expressions_of(term));
  }
  if (const json::Array* tolerations = array_at(pod, "/spec/tolerations")) {
    for (const json::Value& item : *tolerations) {
      out.tolerations.push_back({json::text_or(item, "/key"), json::text_or(item, "/operator", "Equal"),
                                 json::text_or(item, "/value"), json::text_or(item, "/effect")});
    }
  }
  bool plain = true;
  out.pod_affinity = pod_terms_of(pod, "podAffinity", plain);
  out.pod_anti_affinity = pod_terms_of(pod, "podAntiAffinity", plain);
  // What cannot be honoured is refused, not passed over.
  if (!plain) out.unsupported.emplace_back(model::selector_operators);
  if (const json::Array* claims = array_at(pod, "/spec/resourceClaims"); claims != nullptr && !claims->empty())
    out.unsupported.emplace_back(model::device_claims);
  if (const json::Array* spread = array_at(pod, "/spec/topologySpreadConstraints")) {
    for (const json::Value& item : *spread) {
      out.spread.push_back({json::text_or(item, "/topologyKey"),
                            static_cast<std::int32_t>(json::integer_at(item, "/maxSkew").value_or(1)),
                            texts_at(item, "/labelSelector/matchLabels"),
                            json::text_or(item, "/whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"});
    }
  }
  if (const json::Array* containers = array_at(pod, "/spec/containers")) {
    for (const json::Value& container : *containers) {
      const json::Array* ports = array_at(container, "/ports");
      if (ports == nullptr) continue;
      for (const json::Value& port : *ports) {
        const std::int64_t number = json::integer_at(port, "/hostPort").value_or(0);
        if (number > 0 && number < 65536) out.host_ports.push_back(static_cast<std::int32_t>(number));
      }
    }
  }
}

void read_resources(const Amounts& amounts, Constraints& out) {
  for (const auto& [name, amount] : amounts) {
    if (name == "cpu") {
      out.cpu = amount;
    } else if (name == "memory") {
      out.memory = amount;
    } else if (name != whole_gpu && !name.starts_with(mig_prefix) && name.find('/') != std::string::npos) {
      if (amount > 0) out.extended[name] = amount;
    }
  }
}

Result<model::GpuRequest> gpu_of(const json::Value& pod, const Amounts& amounts) {
  const std::string fraction = kube::annotation_of(pod, keys::gpu_fraction);
  const std::string memory = kube::annotation_of(pod, keys::gpu_memory);
  const std::string count = kube::annotation_of(pod, keys::gpu_devices);
  const auto whole = amounts.find(std::string(whole_gpu));
  const bool asks_whole = whole != amounts.end() && whole->second > 0;
  model::GpuRequest mig{.kind = model::GpuRequest::Kind::Mig};
  for (const auto& [name, amount] : amounts) {
    if (name.starts_with(mig_prefix) && amount > 0) mig.mig[name] = static_cast<std::int32_t>(amount);
  }
  if (!fraction.empty() && !memory.empty()) return invalid("gpu-fraction and gpu-memory exclude each other");
  if (fraction.empty() && memory.empty()) {
    if (!count.empty()) return invalid("gpu-fraction-num-devices needs gpu-fraction or gpu-memory");
    if (asks_whole && !mig.mig.empty()) return invalid("whole GPUs and MIG instances exclude each other");
    if (!mig.mig.empty()) return mig;
    if (!asks_whole) return model::GpuRequest{};
    return model::GpuRequest{.kind = model::GpuRequest::Kind::Whole,
                             .devices = static_cast<std::int32_t>(std::min<std::int64_t>(whole->second, 1'000'000)),
                             .milli = 1000};
  }
  if (asks_whole || !mig.mig.empty()) {
    return invalid("a share of a GPU (gpu-fraction, gpu-memory) and whole GPUs exclude each other");
  }
  if (!memory.empty() && memory.find_first_not_of("0123456789") != std::string::npos) {
    return invalid("gpu-memory \"" + memory + "\" is not a whole number of MiB");
  }
  const std::string each = fraction.empty() ? memory + "Mi" : fraction;
  Result<model::GpuRequest> request = model::parse_gpu_request(count.empty() ? each : count + "x" + each);
  if (!request) return request;
  if (!request->is_shared()) return invalid("gpu-fraction \"" + fraction + "\" is not between 0 and 1");
  return request;
}

model::PodState state_of(const json::Value& object, bool is_going, const std::string& node) {
  const std::string phase = json::text_or(object, "/status/phase");
  if (phase == "Succeeded") return model::PodState::Succeeded;
  if (phase == "Failed") return model::PodState::Failed;
  if (is_going) return model::PodState::Releasing;
  if (!node.empty()) return phase == "Running" ? model::PodState::Running : model::PodState::Bound;
  const json::Array* gates = array_at(object, "/spec/schedulingGates");
  return gates != nullptr && !gates->empty() ? model::PodState::Gated : model::PodState::Pending;
}

bool has_condition(const json::Value& object, std::string_view pointer, std::string_view type,
                   std::string_view status) {
  const json::Array* conditions = array_at(object, pointer);
  if (conditions == nullptr) return false;
  return std::any_of(conditions->begin(), conditions->end(), [&](const json::Value& condition) {
    return json::text_or(condition, "/type") == type && json::text_or(condition, "/status") == status;
  });
}

std::optional<Time> time_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const Result<Time> time = parse_rfc3339(text);
  return time ? std::optional(*time) : std::nullopt;
}

std::optional<Duration> duration_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const Result<Duration> duration = parse_duration(text);
  return duration ? std::optional(*duration) : std::nullopt;
}

std::optional<model::TopologyConstraint> topology_of(const json::Value& value) {
  const json::Value* at = json::find(value, "/topologyConstraint");
  if (at == nullptr || !at->is_object()) return std::nullopt;
  model::TopologyConstraint topology{json::text_or(*at, "/topology"), json::text_or(*at, "/requiredTopologyLevel"),
                                     json::text_or(*at, "/preferredTopologyLevel")};
  if (topology.required.empty() && topology.preferred.empty()) return std::nullopt;
  return topology;
}

std::optional<std::int32_t> count_at(const json::Value& value, std::string_view pointer) {
  const std::optional<std::int64_t> count = json::integer_at(value, pointer);
  if (!count || *count < 0 || *count > 1'000'000'000) return std::nullopt;
  return static_cast<std::int32_t>(*count);
}

// One resource of a queue: numbers in the queue's own unit (devices, milli-cores, MB), -1 unlimited.
model::QueueResource resource_of(const json::Value& queue, const std::string& name, double unit) {
  const std::string at = "/spec/resources/" + name;
  const auto amount = [&](const char* field) -> std::optional<std::int64_t> {
    const double value = json::number_at(queue, at + field).value_or(0);
    if (value < 0) return std::nullopt;
    return static_cast<std::int64_t>(std::llround(std::min(value * unit, 4e18)));
  };
  const double weight = json::number_at(queue, at + "/overQuotaWeight").value_or(0);
  return {.quota = amount("/quota"),
          .limit = amount("/limit"),
          .weight_milli = static_cast<std::int64_t>(std::llround(std::clamp(weight, 0.0, 1e9) * 1000))};
}

std::vector<model::Device> devices_of(const json::Value& object, const std::string& name) {
  std::vector<model::Device> devices;
  const std::string text = kube::annotation_of(object, keys::node_devices_annotation);
  if (!text.empty()) {
    const Result<json::Value> list = json::parse(text);
    if (list && list->is_array()) {
      for (const json::Value& item : list->get_array()) {
        devices.push_back({json::text_or(item, "/uuid"), json::integer_at(item, "/memoryMib").value_or(81920),
                           json::bool_at(item, "/healthy").value_or(true),
                           static_cast<std::int32_t>(json::integer_at(item, "/numa").value_or(-1))});
      }
    }
    return devices;
  }
  const json::Value* count = json::find(object, "/status/allocatable/nvidia.com~1gpu");
  const std::int64_t n = count == nullptr ? 0 : std::min<std::int64_t>(amount_of(whole_gpu, *count), 1024);
  const std::string memory_text = kube::label_of(object, "nvidia.com/gpu.memory");
  std::int64_t memory = 0;
  std::from_chars(memory_text.data(), memory_text.data() + memory_text.size(), memory);
  for (std::int64_t i = 0; i < n; ++i) {
    devices.push_back({name + "/" + std::to_string(i), memory > 0 ? memory : model::Device{}.memory_mib, true});
  }
  return devices;
}

}  // namespace

Result<model::GpuRequest> decode_gpu(const json::Value& pod) { return gpu_of(pod, amounts_of_pod(pod)); }

PodRow decode_pod(const json::Value& object, const std::set<std::string>& schedulers) {
  PodRow row;
  model::Pod& pod = row.pod;
  pod.ns = kube::namespace_of(object);
  pod.name = kube::name_of(object);
  pod.uid = kube::uid_of(object);
  pod.node = json::text_or(object, "/spec/nodeName");
  pod.created = kube::created_at(object);
  pod.labels = kube::labels_of(object);
  pod.foreign = !schedulers.contains(json::text_or(object, "/spec/schedulerName"));
  row.resource_version = kube::resource_version_of(object);
  row.is_going = kube::is_being_deleted(object);
  pod.state = state_of(object, row.is_going, pod.node);
  row.has_ended = pod.state == model::PodState::Succeeded || pod.state == model::PodState::Failed;
  row.is_unschedulable = has_condition(object, "/status/conditions", "PodScheduled", "False");
  if (!pod.foreign) {
    pod.gang = kube::annotation_of(object, keys::pod_group_annotation);
    pod.sub_group = kube::label_of(object, keys::sub_group_label);
  }
  const std::string order = kube::label_of(object, keys::task_priority_label);
  std::from_chars(order.data(), order.data() + order.size(), pod.order);
  const Amounts amounts = amounts_of_pod(object);
  read_resources(amounts, pod.constraints);
  read_placement(object, pod.constraints);
  if (Result<model::GpuRequest> gpu = gpu_of(object, amounts)) {
    pod.constraints.gpu = *std::move(gpu);
  } else {
    row.problem = gpu.error().text;
  }
  if (Result<std::vector<Granted>> granted = read_granted(kube::annotation_of(object, keys::devices_annotation))) {
    row.granted = *std::move(granted);
  }
  return row;
}

NodeRow decode_node(const json::Value& object) {
  NodeRow row;
  model::Node& node = row.node;
  node.name = kube::name_of(object);
  node.labels = kube::labels_of(object);
  node.labels.emplace("kubernetes.io/hostname", node.name);
  node.unschedulable = json::bool_at(object, "/spec/unschedulable").value_or(false);
  node.ready = !has_condition(object, "/status/conditions", "Ready", "False") &&
               !has_condition(object, "/status/conditions", "Ready", "Unknown");
  if (const json::Array* taints = array_at(object, "/spec/taints")) {
    for (const json::Value& taint : *taints) {
      node.taints.push_back(
          {json::text_or(taint, "/key"), json::text_or(taint, "/value"), json::text_or(taint, "/effect")});
    }
  }
  const json::Object* offered = object_at(object, "/status/allocatable");
  if (offered == nullptr) offered = object_at(object, "/status/capacity");
  if (offered != nullptr) {
    for (const auto& [key, value] : *offered) {
      const std::string name(key);
      const std::int64_t amount = amount_of(name, value);
      if (name == "cpu") {
        node.cpu = amount;
      } else if (name == "memory") {
        node.memory = amount;
      } else if (name == "pods") {
        node.pods = static_cast<std::int32_t>(std::min<std::int64_t>(amount, 1'000'000));
      } else if (name.starts_with(mig_prefix)) {
        if (amount > 0) node.mig_instances[name] = static_cast<std::int32_t>(amount);
      } else if (name != whole_gpu && name.find('/') != std::string::npos) {
        node.extended[name] = amount;
      }
    }
  }
  const std::string mig = kube::label_of(object, "nvidia.com/mig.strategy");
  if (mig == "single") node.mig = model::Node::Mig::Single;
  if (mig == "mixed") node.mig = model::Node::Mig::Mixed;
  node.devices = devices_of(object, node.name);
  return row;
}

GangRow decode_gang(const json::Value& object) {
  GangRow row;
  model::Gang& gang = row.gang;
  gang.ns = kube::namespace_of(object);
  gang.name = kube::name_of(object);
  gang.uid = kube::uid_of(object);
  gang.created = kube::created_at(object);
  gang.queue = json::text_or(object, "/spec/queue");
  row.resource_version = kube::resource_version_of(object);
  if (const std::string workload = kube::label_of(object, keys::workload_label); !workload.empty()) {
    row.title = "workload \"" + workload + "\" of project \"" + kube::label_of(object, keys::project_label) + "\"";
  }
  gang.deleted = kube::is_being_deleted(object);
  if (const std::string pool = kube::label_of(object, keys::pool_label); !pool.empty()) gang.pools = {pool};
  row.priority_class = json::text_or(object, "/spec/priorityClassName");
  gang.priority = model::priority_value(row.priority_class).value_or(50);
  gang.preemptibility = model::parse_preemptibility(json::text_or(object, "/spec/preemptibility"));
  if (const json::Value* spec = json::find(object, "/spec")) gang.topology = topology_of(*spec);
  gang.min_member = count_at(object, "/spec/minMember");
  gang.min_sub_group = count_at(object, "/spec/minSubGroup");
  if (const json::Array* groups = array_at(object, "/spec/subGroups")) {
    for (const json::Value& item : *groups) {
      gang.sub_groups.push_back({json::text_or(item, "/name"), json::text_or(item, "/parent"),
                                 count_at(item, "/minMember"), count_at(item, "/minSubGroup"), topology_of(item)});
    }
  }
  if (!gang.min_member && !gang.min_sub_group && gang.sub_groups.empty()) gang.min_member = 1;
  gang.staleness_grace = duration_of(json::text_or(object, "/spec/stalenessGracePeriod"));
  gang.preemption_delay = duration_of(json::text_or(object, "/spec/preemptionDelay")).value_or(Duration{});
  gang.stale_since = time_of(kube::annotation_of(object, "kai.scheduler/stale-podgroup-timestamp"));
  gang.last_start = time_of(kube::annotation_of(object, "kai.scheduler/last-start-timestamp"));
  gang.last_evicted = time_of(kube::annotation_of(object, "kai.scheduler/last-eviction-timestamp"));
  row.is_unschedulable = has_condition(object, "/status/schedulingConditions", "UnschedulableOnNodePool", "True");
  return row;
}

model::Queue decode_queue(const json::Value& object) {
  model::Queue queue;
  queue.name = kube::name_of(object);
  queue.parent = json::text_or(object, "/spec/parentQueue");
  queue.display_name = json::text_or(object, "/spec/displayName", queue.name);
  const std::string pool = kube::label_of(object, keys::pool_label);
  queue.pool = pool.empty() ? "default" : pool;
  queue.priority = count_at(object, "/spec/priority").value_or(100);
  queue.created = kube::created_at(object);
  queue.gpu = resource_of(object, "gpu", 1000);
  queue.cpu = resource_of(object, "cpu", 1);
  queue.memory = resource_of(object, "memory", 1e6);
  if (const json::Value* classes = json::find(object, "/spec/resources/classes");
      classes != nullptr && classes->is_object())
    for (const auto& [name, bounds] : classes->get_object())
      queue.classes[std::string(name)] = resource_of(object, "classes/" + json::escape_step(std::string(name)), 1);
  queue.preempt_min_runtime = duration_of(json::text_or(object, "/spec/preemptMinRuntime"));
  queue.reclaim_min_runtime = duration_of(json::text_or(object, "/spec/reclaimMinRuntime"));
  return queue;
}

sched::Topology decode_topology(const json::Value& object) {
  sched::Topology topology{.name = kube::name_of(object), .levels = {}};
  if (const json::Array* levels = array_at(object, "/spec/levels")) {
    for (const json::Value& level : *levels) topology.levels.push_back(json::text_or(level, "/nodeLabel"));
  }
  return topology;
}

sched::Pool decode_pool(const json::Value& object) {
  sched::Pool pool;
  pool.name = kube::name_of(object);
  pool.label_key = json::text_or(object, "/spec/labelKey");
  pool.label_value = json::text_or(object, "/spec/labelValue");
  const auto placement = [&](std::string_view at) -> std::optional<sched::Placement> {
    const std::string text = json::text_or(object, at);
    if (text == "binpack") return sched::Placement::Binpack;
    if (text == "spread") return sched::Placement::Spread;
    if (text == "fragmentation") return sched::Placement::Fragmentation;
    return std::nullopt;
  };
  pool.gpu = placement("/spec/placementStrategy/gpu");
  pool.cpu = placement("/spec/placementStrategy/cpu");
  return pool;
}

std::string pool_of(const std::map<std::string, std::string>& labels, const std::vector<sched::Pool>& pools) {
  for (const sched::Pool& pool : pools) {
    if (pool.label_key.empty()) continue;
    const auto label = labels.find(pool.label_key);
    if (label != labels.end() && label->second == pool.label_value) return pool.name;
  }
  return "default";
}

}  // namespace muster::cluster
