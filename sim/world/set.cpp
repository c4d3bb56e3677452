// What a step or a remedy sets: fields of queues, jobs, nodes and pods. "queue/team-a" with "gpu.quota";
// "workload/train-1" (or "job/train-1") with "gpu"; "node/n1" with "unschedulable"; "pod/train-1-0" with "state".

#include "model/priority.h"
#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"
#include "sim/world/find.h"
#include "sim/world/world.h"

namespace muster::sim {
namespace {

using Amount = Result<std::int64_t> (*)(const json::Value&, const std::string&);

Result<std::string> read_text(const json::Value& value, const std::string& pointer) {
  if (!value.is_string()) return at_pointer("expected a string", pointer + "/to");
  return std::string(value.get_string());
}

Result<std::int32_t> read_integer(const json::Value& value, const std::string& pointer) {
  const std::optional<std::int64_t> number = json::integer_at(value, "");
  if (!number || *number < INT32_MIN || *number > INT32_MAX) return at_pointer("expected an integer", pointer + "/to");
  return static_cast<std::int32_t>(*number);
}

Result<bool> read_truth(const json::Value& value, const std::string& pointer) {
  if (!value.is_bool()) return at_pointer("expected true or false", pointer + "/to");
  return value.get_bool();
}

Result<Duration> read_span(const json::Value& value, const std::string& pointer) {
  const std::string text = TRY(read_text(value, pointer));
  return read_length(text, pointer + "/to");
}

Result<void> set_resource(model::QueueResource& resource, std::string_view field, const json::Value& to, Amount amount,
                          const std::string& pointer) {
  if (field == "weight") {
    if (!to.is_number() || to.to_number<double>() < 0) return at_pointer("expected a number", pointer + "/to");
    resource.weight_milli = milli_of(to.to_number<double>());
    return {};
  }
  std::optional<std::int64_t> value;
  if (!to.is_null()) value = TRY(amount(to, pointer + "/to"));
  (field == "quota" ? resource.quota : resource.limit) = value;
  return {};
}

Error unknown_field(const Set& item, const std::vector<std::string>& known, const std::string& pointer) {
  return unknown_word("field of " + item.what, item.field, known, pointer + "/field");
}

}  // namespace

Result<void> World::set(const Set& item, const std::string& job, const std::string& pointer) {
  const std::size_t slash = item.what.find('/');
  const std::string kind = item.what.substr(0, slash);
  const std::string name = slash == std::string::npos ? "" : item.what.substr(slash + 1);
  if (kind == "queue") return set_queue(item, name, pointer);
  if (kind == "node") return set_node(item, name, pointer);
  if (kind == "pod") return set_pod(item, name, pointer);
  if (kind == "workload" || kind == "job") {
    return set_job(item, name.empty() ? job : TRY(find_key(gangs_, name, "job", pointer + "/set")), pointer);
  }
  const std::vector<std::string> known = {"queue/NAME", "workload/NAME", "job/NAME", "node/NAME", "pod/NAME"};
  return unknown_word("thing", item.what, known, pointer + "/set");
}

Result<void> World::set_queue(const Set& item, const std::string& name, const std::string& pointer) {
  model::Queue queue = queues_[TRY(find_key(queues_, name, "queue", pointer + "/set"))];
  const std::size_t dot = item.field.rfind('.');
  const std::string resource = item.field.substr(0, dot);
  const std::string field = dot == std::string::npos ? "" : item.field.substr(dot + 1);
  if (item.field == "priority") {
    queue.priority = TRY(read_integer(item.to, pointer));
  } else if (item.field == "usage.gpu") {
    if (!item.to.is_number()) return at_pointer("expected a number", pointer + "/to");
    queue.usage_gpu_milli = milli_of(item.to.to_number<double>());
  } else if (item.field == "preemptMinRuntime" || item.field == "reclaimMinRuntime") {
    const Duration length = TRY(read_span(item.to, pointer));
    (item.field == "preemptMinRuntime" ? queue.preempt_min_runtime : queue.reclaim_min_runtime) = length;
  } else if (field != "quota" && field != "limit" && field != "weight") {
    return unknown_field(
        item,
        {"gpu.quota", "gpu.limit", "gpu.weight", "cpu.quota", "cpu.limit", "cpu.weight", "memory.quota", "memory.limit",
         "memory.weight", "priority", "usage.gpu", "preemptMinRuntime", "reclaimMinRuntime"},
        pointer);
  } else if (resource == "gpu") {
    TRY(set_resource(queue.gpu, field, item.to, read_devices, pointer));
  } else if (resource == "cpu") {
    TRY(set_resource(queue.cpu, field, item.to, read_cores, pointer));
  } else if (resource == "memory") {
    TRY(set_resource(queue.memory, field, item.to, read_bytes, pointer));
  } else if (queue.classes.contains(resource)) {
    TRY(set_resource(queue.classes[resource], field, item.to, read_count, pointer));
  } else {
    return unknown_field(item, {"gpu." + field, "cpu." + field, "memory." + field}, pointer);
  }
  return add(queue);
}

Result<void> World::set_job(const Set& item, const std::string& key, const std::string& pointer) {
  model::Gang gang = gangs_.at(key);
  if (item.field == "gpu") {
    // Of each pod: "0.5", 2, "2x0.5".
    const std::string text = item.to.is_string() ? std::string(item.to.get_string()) : json::write(item.to);
    std::string plain = text;
    if (item.to.is_double()) {
      const std::int64_t milli = milli_of(item.to.get_double());
      plain = milli % 1000 == 0 ? std::to_string(milli / 1000)
                                : std::to_string(milli / 1000) + "." + std::to_string(1000 + milli % 1000).substr(1);
    }
    const model::GpuRequest request = TRY(model::parse_gpu_request(plain).at(pointer + "/to"));
    for (const model::Pod* member : pods_of(key)) {
      model::Pod pod = *member;
      if (pod.state != model::PodState::Pending && pod.state != model::PodState::Gated) continue;
      pod.constraints.gpu = request;
      TRY(update(pod));
    }
    return {};
  }
  if (item.field == "priority") {
    gang.priority = TRY(read_integer(item.to, pointer));
  } else if (item.field == "minMember") {
    gang.min_member = TRY(read_integer(item.to, pointer));
  } else if (item.field == "deleted") {
    gang.deleted = TRY(read_truth(item.to, pointer));
  } else if (item.field == "queue") {
    gang.queue = TRY(read_text(item.to, pointer));
  } else if (item.field == "preemptionDelay") {
    gang.preemption_delay = TRY(read_span(item.to, pointer));
  } else if (item.field == "preemptibility") {
    const std::string text = TRY(read_text(item.to, pointer));
    gang.preemptibility = model::parse_preemptibility(text);
    if (!gang.preemptibility) return at_pointer("unknown preemptibility", pointer + "/to");
  } else {
    return unknown_field(
        item, {"gpu", "preemptibility", "priority", "minMember", "queue", "preemptionDelay", "deleted"}, pointer);
  }
  TRY(tell(sched::UpsertGang{gang}));
  gangs_[key] = gang;
  return {};
}

Result<void> World::set_node(const Set& item, const std::string& name, const std::string& pointer) {
  model::Node node = nodes_[TRY(find_key(nodes_, name, "node", pointer + "/set"))];
  if (item.field == "unschedulable") {
    node.unschedulable = TRY(read_truth(item.to, pointer));
  } else if (item.field == "ready") {
    node.ready = TRY(read_truth(item.to, pointer));
  } else if (item.field.starts_with("labels.")) {
    const std::string label = item.field.substr(7);
    node.labels.erase(label);
    if (!item.to.is_null()) node.labels[label] = TRY(read_text(item.to, pointer));
  } else {
    return unknown_field(item, {"unschedulable", "ready", "labels.KEY"}, pointer);
  }
  return add(node);
}

Result<void> World::set_pod(const Set& item, const std::string& name, const std::string& pointer) {
  model::Pod pod = pods_[TRY(find_key(pods_, name, "pod", pointer + "/set"))];
  if (item.field != "state") return unknown_field(item, {"state"}, pointer);
  const std::string text = TRY(read_text(item.to, pointer));
  pod.state = TRY(read_state(text, pointer + "/to"));
  if (!model::holds_resources(pod.state)) pod.node.clear(), pod.devices.clear();
  return update(pod);
}

}  // namespace muster::sim
