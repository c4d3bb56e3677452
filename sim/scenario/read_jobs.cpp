// Jobs and their pods.

#include <algorithm>
#include <cmath>

#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"

namespace muster::sim {
namespace {

constexpr std::int32_t most_count = 1'000'000;

std::optional<model::TopologyConstraint> topology_of(const std::optional<document::TopologyConstraint>& in) {
  if (!in) return std::nullopt;
  return model::TopologyConstraint{
      .topology = in->name, .required = in->required.value_or(""), .preferred = in->preferred.value_or("")};
}

// Thousandths of a device, rounded up. Requires: pointer names the value.
Result<std::int32_t> read_portion(double fraction, const std::string& pointer) {
  if (!(fraction > 0) || !(fraction < 1)) {
    return at_pointer("expected a portion between 0 and 1; ask for whole devices with \"gpu\"", pointer);
  }
  const std::int32_t milli = static_cast<std::int32_t>(std::ceil(fraction * 1000 - 1e-6));
  return std::min(milli, 999);
}

Result<void> read_shared(const document::Request& in, model::GpuRequest& out, const std::string& pointer) {
  if (in.gpu_devices && (*in.gpu_devices < 1 || *in.gpu_devices > 1024)) {
    return at_pointer("expected a number of devices from 1 to 1024", pointer + "/gpuDevices");
  }
  out.devices = in.gpu_devices.value_or(1);
  if (in.gpu_fraction) {
    out.kind = model::GpuRequest::Kind::Portion;
    out.milli = TRY(read_portion(*in.gpu_fraction, pointer + "/gpuFraction"));
    if (in.gpu_fraction_limit) {
      if (*in.gpu_fraction_limit < *in.gpu_fraction || *in.gpu_fraction_limit > 1) {
        return at_pointer("expected a portion from the request to 1", pointer + "/gpuFractionLimit");
      }
      out.milli_limit = static_cast<std::int32_t>(milli_of(*in.gpu_fraction_limit));
    }
    return {};
  }
  out.kind = model::GpuRequest::Kind::Memory;
  out.memory_mib = TRY(read_mib(in.gpu_memory, pointer + "/gpuMemory"));
  if (out.memory_mib <= 0) return at_pointer("expected more than nothing", pointer + "/gpuMemory");
  if (!in.gpu_memory_limit.is_null()) {
    out.memory_limit_mib = TRY(read_mib(in.gpu_memory_limit, pointer + "/gpuMemoryLimit"));
    if (out.memory_limit_mib < out.memory_mib) {
      return at_pointer("expected at least the request", pointer + "/gpuMemoryLimit");
    }
  }
  return {};
}

Result<model::GpuRequest> read_gpu(const document::Request& in, const std::string& pointer) {
  model::GpuRequest out;
  const int named = (in.gpu != 0) + in.gpu_fraction.has_value() + !in.gpu_memory.is_null() + !in.mig.empty();
  if (named > 1) return at_pointer("takes one of gpu, gpuFraction, gpuMemory and mig", pointer);
  if (in.gpu < 0 || in.gpu > 1024) return at_pointer("expected a number of devices from 0 to 1024", pointer + "/gpu");
  const bool shared = in.gpu_fraction.has_value() || !in.gpu_memory.is_null();
  if (in.gpu_devices && !shared) {
    return at_pointer("goes with gpuFraction or gpuMemory; whole devices are asked for with \"gpu\"",
                      pointer + "/gpuDevices");
  }
  if (in.gpu_fraction_limit && !in.gpu_fraction) {
    return at_pointer("goes with gpuFraction", pointer + "/gpuFractionLimit");
  }
  if (!in.gpu_memory_limit.is_null() && in.gpu_memory.is_null()) {
    return at_pointer("goes with gpuMemory", pointer + "/gpuMemoryLimit");
  }
  if (in.gpu > 0) {
    out = {.kind = model::GpuRequest::Kind::Whole, .devices = in.gpu, .milli = 1000};
  } else if (shared) {
    TRY(read_shared(in, out, pointer));
  } else if (!in.mig.empty()) {
    out.kind = model::GpuRequest::Kind::Mig;
    for (const auto& [profile, count] : in.mig) {
      if (count < 0) return at_pointer("expected a number that is not negative", pointer + "/mig");
      if (count > 0) out.mig[profile] = count;
    }
    if (out.mig.empty()) out.kind = model::GpuRequest::Kind::None;
  }
  return out;
}

Result<void> read_affinity(const document::Pod& in, model::Constraints& out, const std::string& pointer) {
  static const std::vector<std::string> ops = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"};
  for (std::size_t i = 0; i < in.node_affinity.size(); ++i) {
    std::vector<model::NodeExpression> term;
    for (const document::NodeExpression& e : in.node_affinity[i]) {
      if (std::find(ops.begin(), ops.end(), e.op) == ops.end()) {
        return unknown_word("operator", e.op, ops, pointer + "/nodeAffinity/" + std::to_string(i));
      }
      term.push_back({e.key, e.op, e.values});
    }
    out.node_affinity.push_back(std::move(term));
  }
  for (const document::PodTerm& term : in.pod_affinity) out.pod_affinity.push_back({term.topology_key, term.labels});
  for (const document::PodTerm& term : in.pod_anti_affinity) {
    out.pod_anti_affinity.push_back({term.topology_key, term.labels});
  }
  for (const document::SpreadTerm& term : in.topology_spread) {
    out.spread.push_back({term.topology_key, term.max_skew, term.labels, term.hard});
  }
  return {};
}

Result<model::Constraints> read_constraints(const document::Pod& in, const std::string& pointer) {
  model::Constraints out;
  const std::string request = pointer + "/request";
  out.gpu = TRY(read_gpu(in.request, request));
  if (!in.request.cpu.is_null()) out.cpu = TRY(read_cores(in.request.cpu, request + "/cpu"));
  if (!in.request.memory.is_null()) out.memory = TRY(read_bytes(in.request.memory, request + "/memory"));
  for (const auto& [name, amount] : in.request.extended) {
    out.extended[name] = TRY(read_count(amount, request + "/extended/" + json::escape_step(name)));
  }
  out.node_selector = in.node_selector;
  for (const document::Toleration& t : in.tolerations) out.tolerations.push_back({t.key, t.op, t.value, t.effect});
  out.host_ports = in.host_ports;
  if (!in.claims.empty()) out.unsupported.emplace_back(model::device_claims);
  TRY(read_affinity(in, out, pointer));
  return out;
}

Result<void> read_pods(const document::Job& job, Job& out, const std::string& pointer) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < job.pods.size(); ++i) {
    const document::Pod& in = job.pods[i];
    const std::string at = pointer + "/pods/" + std::to_string(i);
    if (in.count < 0 || in.count > most_count) {
      return at_pointer("expected a number from 0 to " + std::to_string(most_count), at + "/count");
    }
    model::Pod pod{.ns = out.gang.ns, .gang = in.foreign ? "" : out.gang.name, .sub_group = in.sub_group.value_or("")};
    pod.state = TRY(read_state(in.state, at + "/state"));
    pod.node = in.node.value_or("");
    pod.order = in.order.value_or(0);
    pod.created = out.gang.created;
    pod.labels = in.labels;
    pod.foreign = in.foreign;
    pod.constraints = TRY(read_constraints(in, at));
    const bool placed = model::holds_resources(pod.state) || pod.state == model::PodState::Pipelined;
    if (placed && pod.node.empty()) return at_pointer("a pod in state " + in.state + " needs a node", at + "/node");
    if (!placed) pod.node.clear();
    for (std::int32_t n = 0; n < in.count; ++n) {
      pod.name = job.name + "-" + std::to_string(index++);
      pod.uid = key_of(pod.ns, pod.name);
      out.pods.push_back(pod);
      out.gpu_groups.push_back(in.gpu_groups);
    }
  }
  return {};
}

Result<void> read_times(const document::Job& job, Time now, Job& out, const std::string& pointer) {
  model::Gang& gang = out.gang;
  if (job.created) gang.created = TRY(read_moment(*job.created, now, pointer + "/created"));
  if (job.stale_since) gang.stale_since = TRY(read_moment(*job.stale_since, now, pointer + "/staleSince"));
  if (job.staleness_grace_period) {
    gang.staleness_grace = TRY(read_length(*job.staleness_grace_period, pointer + "/stalenessGracePeriod"));
  }
  gang.preemption_delay = TRY(read_length(job.preemption_delay, pointer + "/preemptionDelay"));
  if (job.last_checkpoint) {
    gang.last_checkpoint = TRY(read_moment(*job.last_checkpoint, now, pointer + "/lastCheckpoint"));
  }
  if (job.last_start) gang.last_start = TRY(read_moment(*job.last_start, now, pointer + "/lastStart"));
  return {};
}

Result<void> read_tree(const document::Job& job, Job& out, const std::string& pointer) {
  model::Gang& gang = out.gang;
  gang.min_member = job.min_member;
  gang.min_sub_group = job.min_sub_group;
  if (gang.min_member.value_or(0) < 0)
    return at_pointer("expected a number that is not negative", pointer + "/minMember");
  gang.topology = topology_of(job.topology);
  for (const document::SubGroup& group : job.sub_groups) {
    gang.sub_groups.push_back({.name = group.name,
                               .parent = group.parent.value_or(""),
                               .min_member = group.min_member,
                               .min_sub_group = group.min_sub_group,
                               .topology = topology_of(group.topology)});
  }
  if (job.segments) {
    if (job.segments->size < 1) return at_pointer("expected at least 1", pointer + "/segments/size");
    gang.segments = model::Segments{.size = job.segments->size,
                                    .required = job.segments->required.value_or(""),
                                    .preferred = job.segments->preferred.value_or("")};
  }
  return {};
}

}  // namespace

std::string key_of(const std::string& ns, const std::string& name) { return ns + "/" + name; }

Result<model::PodState> read_state(const std::string& text, const std::string& pointer) {
  model::PodState state{};
  if (model::parse(text, state)) return state;
  static const std::vector<std::string> known = {"Pending",          "Gated",     "Allocated", "Pipelined",
                                                 "Binding",          "Bound",     "Running",   "Releasing",
                                                 "StuckInReleasing", "Succeeded", "Failed"};
  return unknown_word("pod state", text, known, pointer);
}

Result<Job> read_job(const document::Job& job, Time now, Time created, const std::string& pointer) {
  if (job.name.empty()) return at_pointer("a job needs a name", pointer + "/name");
  Job out;
  out.gang.ns = job.namespace_.value_or("default");
  out.gang.name = job.name;
  out.gang.uid = key_of(out.gang.ns, job.name);
  out.gang.queue = job.queue;
  out.gang.pools = job.pools;
  out.gang.priority = job.priority;
  out.gang.created = created;
  out.gang.deleted = job.deleted;
  if (job.preemptibility) {
    out.gang.preemptibility = model::parse_preemptibility(*job.preemptibility);
    if (!out.gang.preemptibility) {
      const std::vector<std::string> known = {"preemptible", "non-preemptible", "semi-preemptible"};
      return unknown_word("preemptibility", *job.preemptibility, known, pointer + "/preemptibility");
    }
  }
  TRY(read_times(job, now, out, pointer));
  TRY(read_tree(job, out, pointer));
  TRY(read_pods(job, out, pointer));
  const auto holds = [](const model::Pod& pod) { return model::holds_resources(pod.state); };
  if (!out.gang.last_start && std::any_of(out.pods.begin(), out.pods.end(), holds)) {
    out.gang.last_start = now - minutes(1);
  }
  out.is_foreign = !out.pods.empty() &&
                   std::all_of(out.pods.begin(), out.pods.end(), [](const model::Pod& pod) { return pod.foreign; });
  if (!out.is_foreign && job.queue.empty()) return at_pointer("a job needs a queue", pointer + "/queue");
  return out;
}

}  // namespace muster::sim
