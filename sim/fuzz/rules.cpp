#include "sim/fuzz/rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace muster::sim::fuzz {
namespace {

using model::Decision;
using model::PodState;
using model::Preemptibility;

bool is_leaving(PodState state) { return state == PodState::Releasing || state == PodState::StuckInReleasing; }
bool holds_for_good(PodState state) { return model::holds_resources(state) && !is_leaving(state); }

Preemptibility preemptibility_of(const model::Gang& gang) {
  return gang.preemptibility.value_or(model::preemptibility_of(gang.priority));
}

model::Resources charge_of(const model::Pod& pod) {
  model::Resources out{.cpu = pod.constraints.cpu, .memory = pod.constraints.memory};
  if (pod.constraints.gpu.kind == model::GpuRequest::Kind::Mig) {
    out.gpu = model::charged_milli(pod.constraints.gpu, 0);
  } else {
    for (const model::DeviceShare& share : pod.devices) out.gpu += share.milli;
  }
  return out;
}

struct Use {
  std::vector<std::int64_t> devices;
  std::vector<bool> whole;
  std::int64_t cpu = 0, memory = 0;
  std::int32_t pods = 0;
  std::map<std::string, std::int64_t> extended;
  std::map<std::string, std::int64_t> mig;
  std::set<std::int32_t> ports;
  bool has_port_twice = false;
};

std::string add_pod(const model::Pod& pod, Use& use) {
  const std::string name = key_of(pod.ns, pod.name);
  std::set<std::int32_t> indexes;
  for (const model::DeviceShare& share : pod.devices) {
    if (share.index < 0 || static_cast<std::size_t>(share.index) >= use.devices.size()) {
      return fmt::format("pod {} holds device {} of node {}, which has {}", name, share.index, pod.node,
                         use.devices.size());
    }
    if (!indexes.insert(share.index).second) return fmt::format("pod {} holds device {} twice", name, share.index);
    use.devices[static_cast<std::size_t>(share.index)] += share.milli;
  }
  const model::GpuRequest& gpu = pod.constraints.gpu;
  if (gpu.kind != model::GpuRequest::Kind::Mig && static_cast<std::int32_t>(pod.devices.size()) != gpu.devices) {
    return fmt::format("pod {} asks for {} devices and holds {}", name, gpu.devices, pod.devices.size());
  }
  use.cpu += pod.constraints.cpu;
  use.memory += pod.constraints.memory;
  ++use.pods;
  for (const auto& [resource, amount] : pod.constraints.extended) use.extended[resource] += amount;
  for (const auto& [profile, count] : gpu.mig) use.mig[profile] += count;
  for (const std::int32_t port : pod.constraints.host_ports) use.has_port_twice |= !use.ports.insert(port).second;
  return "";
}

std::string compare_node(const model::Node& node, const Use& use, bool predicates_seen) {
  for (std::size_t i = 0; i < use.devices.size(); ++i) {
    if (use.devices[i] > 1000)
      return fmt::format("device {} of node {} is given {} thousandths", i, node.name, use.devices[i]);
  }
  if (use.cpu > node.cpu) return fmt::format("node {} has {} of {} milli-cores in use", node.name, use.cpu, node.cpu);
  if (use.memory > node.memory)
    return fmt::format("node {} has {} of {} bytes in use", node.name, use.memory, node.memory);
  if (predicates_seen && use.pods > node.pods)
    return fmt::format("node {} has {} of {} pods", node.name, use.pods, node.pods);
  if (predicates_seen && use.has_port_twice) return fmt::format("node {} serves a host port twice", node.name);
  for (const auto& [resource, amount] : use.extended) {
    const auto has = node.extended.find(resource);
    const std::int64_t most = has == node.extended.end() ? 0 : has->second;
    if (amount > most) return fmt::format("node {} has {} of {} {} in use", node.name, amount, most, resource);
  }
  for (const auto& [profile, count] : use.mig) {
    const auto has = node.mig_instances.find(profile);
    const std::int64_t most = has == node.mig_instances.end() ? 0 : has->second;
    if (count > most) return fmt::format("node {} has {} of {} {} in use", node.name, count, most, profile);
  }
  return "";
}

// Of one round, by queue (the leaf and all above it).
struct Gains {
  std::map<std::string, model::Resources> got, got_for_good;  // bound; bound and not preemptible
};

void add_up(const World& world, const std::string& leaf, const model::Resources& amount,
            std::map<std::string, model::Resources>& sums) {
  std::string name = leaf;
  for (int depth = 0; !name.empty() && depth < 32; ++depth) {
    sums[name] += amount;
    const auto queue = world.queues().find(name);
    name = queue == world.queues().end() ? "" : queue->second.parent;
  }
}

// The queue that a gang counts in: the one it names, or its counterpart in the pool of the pod's node.
std::string queue_of(const World& world, const model::Gang& gang, const model::Pod& pod) {
  const auto node = world.nodes().find(pod.node);
  if (node == world.nodes().end() || gang.pools.empty() || node->second.pool == "default") return gang.queue;
  const std::string counterpart = gang.queue + "--" + node->second.pool;
  return world.queues().contains(counterpart) ? counterpart : gang.queue;
}

std::string check_queues(const World& world, const sched::Round& round) {
  const auto binds = [](const Decision& decision) { return decision.kind == Decision::Kind::Bind; };
  if (std::none_of(round.decisions.begin(), round.decisions.end(), binds)) return "";
  std::map<std::string, model::Resources> held, held_for_good, got, got_for_good;
  for (const auto& [key, pod] : world.pods()) {
    if (pod.foreign || !holds_for_good(pod.state)) continue;
    const model::Gang& gang = world.gangs().at(key_of(pod.ns, pod.gang));
    const std::string queue = queue_of(world, gang, pod);
    add_up(world, queue, charge_of(pod), held);
    if (preemptibility_of(gang) == Preemptibility::NonPreemptible) add_up(world, queue, charge_of(pod), held_for_good);
  }
  for (const Decision& decision : round.decisions) {
    if (decision.kind != Decision::Kind::Bind) continue;
    const model::Pod& pod = world.pods().at(key_of(decision.ns, decision.pod));
    const model::Gang& gang = world.gangs().at(key_of(pod.ns, pod.gang));
    const std::string queue = queue_of(world, gang, pod);
    add_up(world, queue, charge_of(pod), got);
    if (preemptibility_of(gang) == Preemptibility::NonPreemptible) add_up(world, queue, charge_of(pod), got_for_good);
  }
  const auto over = [](const std::optional<std::int64_t>& most, std::int64_t gained, std::int64_t sum) {
    return most && gained > 0 && sum > *most;
  };
  for (const auto& [name, queue] : world.queues()) {
    const model::Resources& g = got[name];
    const model::Resources& h = held[name];
    if (over(queue.gpu.limit, g.gpu, h.gpu) || over(queue.cpu.limit, g.cpu, h.cpu) ||
        over(queue.memory.limit, g.memory, h.memory)) {
      return fmt::format(
          "queue {} got something and is over its limit: {} thousandths of GPUs, {} milli-cores, {} bytes", name, h.gpu,
          h.cpu, h.memory);
    }
    const model::Resources& gn = got_for_good[name];
    const model::Resources& hn = held_for_good[name];
    if (over(queue.gpu.quota, gn.gpu, hn.gpu) || over(queue.cpu.quota, gn.cpu, hn.cpu) ||
        over(queue.memory.quota, gn.memory, hn.memory)) {
      return fmt::format(
          "queue {} got something that is not preemptible and is over its quota: {} thousandths of GPUs, {} "
          "milli-cores, {} bytes",
          name, hn.gpu, hn.cpu, hn.memory);
    }
  }
  return "";
}

// Members of a sub-group ("" without) that hold resources for good, in two worlds.
struct Members {
  std::map<std::string, std::int32_t> before, after, all, ended;
  std::int32_t holding = 0;  // after, nominations not counted
};

Members members_of(const World& world, const std::string& gang, const Before& before) {
  Members out;
  for (const model::Pod* pod : world.pods_of(gang)) {
    ++out.all[pod->sub_group];
    if (pod->state == PodState::Succeeded || pod->state == PodState::Failed) ++out.ended[pod->sub_group];
    if (holds_for_good(pod->state) || pod->state == PodState::Pipelined) ++out.after[pod->sub_group];
    if (holds_for_good(pod->state)) ++out.holding;
    const std::optional<PodState> old = before.of(pod->uid);
    if (old && holds_for_good(*old)) ++out.before[pod->sub_group];
  }
  return out;
}

std::int32_t minimum_of(const model::Gang& gang, const std::string& group, const Members& members) {
  if (gang.sub_groups.empty()) return gang.min_member.value_or(members.all.at(""));
  for (const model::SubGroup& sub : gang.sub_groups) {
    if (sub.name == group) return sub.min_member.value_or(0);
  }
  return 0;
}

std::string check_gangs(const World& world, const Before& before, const sched::Round& round) {
  std::set<std::string> touched, ended_by_staleness;
  for (const Decision& decision : round.decisions) {
    const model::Pod& pod = world.pods().at(key_of(decision.ns, decision.pod));
    touched.insert(key_of(pod.ns, pod.gang));
    if (decision.action == model::Action::StaleGang) ended_by_staleness.insert(key_of(pod.ns, pod.gang));
  }
  for (const std::string& key : touched) {
    const model::Gang& gang = world.gangs().at(key);
    // What of sub-groups may be missing is more than this looks at.
    if (gang.min_sub_group || ended_by_staleness.contains(key)) continue;
    Members members = members_of(world, key, before);
    std::int32_t active = 0, was = 0;
    bool was_whole = true, is_whole = true;
    for (const auto& [group, all] : members.all) {
      const std::int32_t least = minimum_of(gang, group, members);
      // A strict gang of which a member has ended is what the engine makes of it.
      if (!gang.min_member && gang.sub_groups.empty() && members.ended[group] > 0) return "";
      active += members.after[group];
      was += members.before[group];
      was_whole = was_whole && members.before[group] >= least;
      is_whole = is_whole && members.after[group] >= least;
    }
    // Nominations of a gang that lost the rest in the same round come to nothing.
    if (was > 0 && members.holding == 0) continue;
    const bool began_whole = was == 0 || was_whole;
    if (began_whole && active > 0 && !is_whole) {
      return fmt::format("gang {} has {} members with a place and is below its minimum; before the round it had {}",
                         key, active, was);
    }
  }
  return "";
}

std::string check_victims(const World& world, const Before& before, const sched::Round& round) {
  std::set<std::string> moved;
  for (const Decision& decision : round.decisions) {
    if (decision.kind == Decision::Kind::Nominate) moved.insert(key_of(decision.ns, decision.pod));
  }
  for (const Decision& decision : round.decisions) {
    if (decision.kind != Decision::Kind::Evict) continue;
    const std::string name = key_of(decision.ns, decision.pod);
    const model::Pod& old = world.pods().at(name);
    const PodState state = before.of(name).value_or(PodState::Failed);
    const std::string action(to_text(decision.action));
    if (old.foreign) return fmt::format("{} evicts {} of another scheduler", action, name);
    if (!holds_for_good(state)) return fmt::format("{} evicts {}, which is {}", action, name, to_text(state));
    const model::Gang& gang = world.gangs().at(key_of(old.ns, old.gang));
    if (decision.action == model::Action::StaleGang) continue;
    if (preemptibility_of(gang) == Preemptibility::NonPreemptible)
      return fmt::format("{} evicts {}, which is not preemptible", action, name);
    const auto winner = world.gangs().find(decision.for_gang);
    if (winner == world.gangs().end())
      return fmt::format("{} evicts {} for \"{}\", which is not there", action, name, decision.for_gang);
    if (decision.action == model::Action::Consolidate && !moved.contains(name)) {
      return fmt::format("consolidate evicts {} without a new place", name);
    }
    const bool same_queue = gang.queue == winner->second.queue;
    if (decision.action == model::Action::Preempt && !moved.contains(name) &&
        (!same_queue || gang.priority >= winner->second.priority)) {
      return fmt::format("preempt evicts {} of queue {} at priority {} for one of {} at {}", name, gang.queue,
                         gang.priority, winner->second.queue, winner->second.priority);
    }
    if (decision.action == model::Action::Reclaim && same_queue && !moved.contains(name)) {
      return fmt::format("reclaim evicts {} of the queue that takes", name);
    }
  }
  return "";
}

// Where nominated pods are to go there is room once all that leaves has left.
std::string check_nominations(const World& world, const sched::Round& round) {
  const auto nominates = [](const Decision& decision) { return decision.kind == Decision::Kind::Nominate; };
  if (std::none_of(round.decisions.begin(), round.decisions.end(), nominates)) return "";
  std::map<std::pair<std::string_view, std::int32_t>, std::int64_t> sums;
  for (const auto& [key, pod] : world.pods()) {
    if (!holds_for_good(pod.state) && pod.state != PodState::Pipelined) continue;
    for (const model::DeviceShare& share : pod.devices) {
      const std::int64_t sum = sums[{pod.node, share.index}] += share.milli;
      if (sum > 1000) {
        return fmt::format("device {} of node {} is to hold {} thousandths, those of pod {} among them", share.index,
                           pod.node, sum, key);
      }
    }
  }
  return "";
}

// From the leaf upwards.
std::vector<std::string> path_of(const World& world, const std::string& leaf) {
  std::vector<std::string> out;
  for (std::string name = leaf; world.queues().contains(name) && out.size() < 32;) {
    out.push_back(name);
    name = world.queues().at(name).parent;
  }
  return out;
}

// The victim's side of two queues where their paths part; "" when one lies above the other.
std::string parted(const World& world, const std::string& own, const std::string& theirs) {
  std::vector<std::string> a = path_of(world, own), b = path_of(world, theirs);
  while (!a.empty() && !b.empty() && a.back() == b.back()) a.pop_back(), b.pop_back();
  return a.empty() || b.empty() ? "" : b.back();
}

// Above what it may keep: its quota, but never more than its limit (product rule 1.4.8).
bool is_above_quota(const model::Queue& queue, const model::Resources& held) {
  const auto above = [](const model::QueueResource& bounds, std::int64_t holds) {
    return (bounds.quota && holds > *bounds.quota) || (bounds.limit && holds > *bounds.limit);
  };
  return above(queue.gpu, held.gpu) || above(queue.cpu, held.cpu) || above(queue.memory, held.memory);
}

// Nobody loses what is within its quota.
std::string check_reclaims(const World& world, const Before& before, const sched::Round& round) {
  std::set<std::string> moved;
  bool reclaims = false;
  for (const Decision& decision : round.decisions) {
    if (decision.kind == Decision::Kind::Nominate) moved.insert(key_of(decision.ns, decision.pod));
    reclaims = reclaims || (decision.kind == Decision::Kind::Evict && decision.action == model::Action::Reclaim);
  }
  // Requests for memory weigh by the device that they get: one thing while they wait, another when they run.
  const bool by_memory = std::any_of(world.pods().begin(), world.pods().end(), [](const auto& entry) {
    return entry.second.constraints.gpu.kind == model::GpuRequest::Kind::Memory;
  });
  if (!reclaims || by_memory) return "";
  std::map<std::string, model::Resources> held;  // before the victims went, with what was bound before that
  for (const auto& [key, pod] : world.pods()) {
    const std::optional<PodState> old = before.of(key);
    const bool has = holds_for_good(pod.state) || pod.state == PodState::Pipelined;
    if (pod.foreign || !((old && holds_for_good(*old)) || has)) continue;
    add_up(world, queue_of(world, world.gangs().at(key_of(pod.ns, pod.gang)), pod), charge_of(pod), held);
  }
  for (const Decision& decision : round.decisions) {
    const std::string name = key_of(decision.ns, decision.pod);
    if (decision.kind != Decision::Kind::Evict || decision.action != model::Action::Reclaim || moved.contains(name))
      continue;
    const model::Pod& victim = world.pods().at(name);
    const model::Gang& winner = world.gangs().at(decision.for_gang);
    // Named resources have quotas of their own; pools have their own queues.
    if (!winner.pools.empty() || !victim.constraints.extended.empty()) continue;
    const std::string theirs =
        parted(world, winner.queue, queue_of(world, world.gangs().at(key_of(victim.ns, victim.gang)), victim));
    if (theirs.empty()) return fmt::format("reclaim evicts {} of a queue above or below the one that takes", name);
    if (!is_above_quota(world.queues().at(theirs), held[theirs])) {
      return fmt::format("reclaim evicts {} of {}, which is within its quota", name, theirs);
    }
  }
  return "";
}

std::string check_view(const World& world) {
  for (const auto& [key, pod] : world.pods()) {
    const std::optional<model::Pod> seen = world.engine().pod(pod.ns, pod.name);
    if (!seen) return fmt::format("the engine does not know pod {}", key);
    if (seen->state != pod.state ||
        (model::holds_resources(pod.state) && (seen->node != pod.node || seen->devices != pod.devices))) {
      return fmt::format("pod {} is {} on \"{}\"; the engine sees {} on \"{}\"", key, to_text(pod.state), pod.node,
                         to_text(seen->state), seen->node);
    }
  }
  return "";
}

}  // namespace

Before remember(const World& world) {
  Before out;
  out.states.reserve(world.pods().size());
  for (const auto& [key, pod] : world.pods()) out.states.emplace_back(key, pod.state);
  return out;
}

std::optional<PodState> Before::of(std::string_view pod) const {
  const auto found = std::lower_bound(states.begin(), states.end(), pod,
                                      [](const auto& entry, std::string_view name) { return entry.first < name; });
  return found != states.end() && found->first == pod ? std::optional(found->second) : std::nullopt;
}

std::string check_capacity(const World& world) {
  std::map<std::string, Use> uses;
  for (const auto& [name, node] : world.nodes()) uses[name].devices.resize(node.devices.size());
  for (const auto& [key, pod] : world.pods()) {
    if (!model::holds_resources(pod.state)) continue;
    const auto use = uses.find(pod.node);
    if (use == uses.end()) return fmt::format("pod {} stands on \"{}\", which is no node", key, pod.node);
    std::string wrong = add_pod(pod, use->second);
    if (!wrong.empty()) return wrong;
  }
  for (const auto& [name, node] : world.nodes()) {
    std::string wrong = compare_node(node, uses.at(name), world.has_predicates());
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string check_round(const World& world, const Before& before, const sched::Round& round, Depth depth) {
  std::string wrong;
  if (!round.decisions.empty()) {
    wrong = check_victims(world, before, round);
    if (wrong.empty()) wrong = check_queues(world, round);
    if (wrong.empty()) wrong = check_gangs(world, before, round);
    if (wrong.empty()) wrong = check_reclaims(world, before, round);
    if (wrong.empty()) wrong = check_nominations(world, round);
  }
  if (wrong.empty() && depth == Depth::Full) wrong = check_view(world);
  if (wrong.empty()) wrong = world.engine().check_invariants();
  return wrong;
}

}  // namespace muster::sim::fuzz
