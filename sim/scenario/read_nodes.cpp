// Nodes and queues of a scenario file.

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"

namespace muster::sim {
namespace {

constexpr std::int32_t most_gpus = 1024;

std::string pool_of(const document::Node& node, const sched::Config& config) {
  for (const sched::Pool& pool : config.pools) {
    const auto label = node.labels.find(pool.label_key);
    if (!pool.label_key.empty() && label != node.labels.end() && label->second == pool.label_value) return pool.name;
  }
  for (const sched::Pool& pool : config.pools) {
    if (pool.label_key.empty()) return pool.name;
  }
  return "default";
}

Result<void> read_mig(const document::Node& node, model::Node& out, const std::string& pointer) {
  if (!node.mig) return {};
  if (node.mig->strategy == "mixed") {
    out.mig = model::Node::Mig::Mixed;
  } else if (node.mig->strategy == "single") {
    out.mig = model::Node::Mig::Single;
  } else {
    const std::vector<std::string> known = {"mixed", "single"};
    return unknown_word("MIG strategy", node.mig->strategy, known, pointer + "/mig/strategy");
  }
  out.mig_instances = node.mig->instances;
  return {};
}

Result<model::QueueResource> read_resource(const std::optional<document::QueueResource>& in,
                                           Result<std::int64_t> (*amount)(const json::Value&, const std::string&),
                                           const std::string& pointer) {
  model::QueueResource out{.quota = std::nullopt};
  if (!in) return out;
  if (!in->quota.is_null()) out.quota = TRY(amount(in->quota, pointer + "/quota"));
  if (!in->limit.is_null()) out.limit = TRY(amount(in->limit, pointer + "/limit"));
  if (!std::isfinite(in->weight) || in->weight < 0 || in->weight > 1e9) {
    return at_pointer("expected a number that is not negative", pointer + "/weight");
  }
  out.weight_milli = milli_of(in->weight);
  return out;
}

}  // namespace

Result<model::Node> read_node(const document::Node& node, const sched::Config& config, const std::string& pointer) {
  if (node.name.empty()) return at_pointer("a node needs a name", pointer + "/name");
  if (node.gpus < 0 || node.gpus > most_gpus) {
    return at_pointer("expected a number of devices from 0 to " + std::to_string(most_gpus), pointer + "/gpus");
  }
  model::Node out{.name = node.name, .pool = pool_of(node, config), .labels = node.labels};
  for (const document::Taint& taint : node.taints) {
    static const std::vector<std::string> effects = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    if (std::find(effects.begin(), effects.end(), taint.effect) == effects.end()) {
      return unknown_word("effect", taint.effect, effects, pointer + "/taints");
    }
    out.taints.push_back({taint.key, taint.value, taint.effect});
  }
  out.unschedulable = node.unschedulable;
  out.ready = node.ready;
  out.cpu = TRY(read_cores(node.cpu, pointer + "/cpu"));
  out.memory = TRY(read_bytes(node.memory, pointer + "/memory"));
  out.pods = node.pods;
  const std::int64_t mib = TRY(read_mib(node.gpu_memory, pointer + "/gpuMemory"));
  for (std::int32_t i = 0; i < node.gpus; ++i) {
    out.devices.push_back({.uuid = "SIM-" + node.name + "-" + std::to_string(i), .memory_mib = mib});
  }
  if (node.numa.size() > out.devices.size()) {
    return at_pointer("expected one number for each GPU", pointer + "/numa");
  }
  for (std::size_t i = 0; i < node.numa.size(); ++i) out.devices[i].numa = node.numa[i];
  TRY(read_mig(node, out, pointer));
  for (const auto& [name, amount] : node.extended) {
    out.extended[name] = TRY(read_count(amount, pointer + "/extended/" + json::escape_step(name)));
  }
  return out;
}

Result<model::Queue> read_queue(const document::Queue& queue, Time now, Time created, const std::string& pointer) {
  if (queue.name.empty()) return at_pointer("a queue needs a name", pointer + "/name");
  model::Queue out{.name = queue.name,
                   .parent = queue.parent.value_or(""),
                   .display_name = queue.name,
                   .pool = queue.pool.value_or("default"),
                   .priority = queue.priority,
                   .created = created};
  if (queue.created) out.created = TRY(read_moment(*queue.created, now, pointer + "/created"));
  out.gpu = TRY(read_resource(queue.gpu, read_devices, pointer + "/gpu"));
  out.cpu = TRY(read_resource(queue.cpu, read_cores, pointer + "/cpu"));
  out.memory = TRY(read_resource(queue.memory, read_bytes, pointer + "/memory"));
  for (const auto& [name, bounds] : queue.classes) {
    out.classes[name] = TRY(read_resource(bounds, read_count, pointer + "/classes/" + json::escape_step(name)));
  }
  if (queue.preempt_min_runtime) {
    out.preempt_min_runtime = TRY(read_length(*queue.preempt_min_runtime, pointer + "/preemptMinRuntime"));
  }
  if (queue.reclaim_min_runtime) {
    out.reclaim_min_runtime = TRY(read_length(*queue.reclaim_min_runtime, pointer + "/reclaimMinRuntime"));
  }
  if (queue.usage) {
    if (!std::isfinite(queue.usage->gpu) || queue.usage->gpu < 0 || queue.usage->gpu > 1e6) {
      return at_pointer("expected a share that is not negative", pointer + "/usage/gpu");
    }
    out.usage_gpu_milli = milli_of(queue.usage->gpu);
  }
  return out;
}

}  // namespace muster::sim
