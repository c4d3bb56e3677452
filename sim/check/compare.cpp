#include "sim/check/compare.h"

#include <algorithm>
#include <set>

#include "sim/world/find.h"

namespace muster::sim {
namespace {

json::Value devices(std::int64_t milli) {
  if (milli % 1000 == 0) return milli / 1000;
  return static_cast<double>(milli) / 1000;
}

void differ(std::vector<Difference>& out, std::string path, json::Value expected, json::Value actual) {
  out.push_back({std::move(path), std::move(expected), std::move(actual)});
}

json::Value list_of(const std::vector<std::string>& names) {
  json::Array list;
  for (const std::string& name : names) list.emplace_back(name);
  return list;
}

std::int64_t milli_held(const model::Pod& pod) {
  std::int64_t sum = 0;
  for (const model::DeviceShare& share : pod.devices) sum += share.milli;
  return sum;
}

void compare_pod(const ExpectPods& expect, const model::Pod& pod, const std::string& path, const std::string& suffix,
                 std::vector<Difference>& out) {
  if (expect.state && *expect.state != pod.state) {
    differ(out, path + "/state" + suffix, json::Value(to_text(*expect.state)), json::Value(to_text(pod.state)));
  }
  if (!expect.nodes.empty() && std::find(expect.nodes.begin(), expect.nodes.end(), pod.node) == expect.nodes.end()) {
    const json::Value nodes = expect.nodes.size() == 1 ? json::Value(expect.nodes.front()) : list_of(expect.nodes);
    differ(out, path + "/node" + suffix, nodes, pod.node.empty() ? json::Value(nullptr) : json::Value(pod.node));
  }
}

void compare_gpus(const ExpectPods& expect, std::int64_t held, const std::string& path, std::vector<Difference>& out) {
  if (expect.gpu_milli && *expect.gpu_milli != held) {
    differ(out, path + "/gpus", devices(*expect.gpu_milli), devices(held));
  }
}

// "node/index" of each physical device.
std::set<std::string> devices_of(const model::Pod& pod) {
  std::set<std::string> out;
  for (const model::DeviceShare& share : pod.devices) out.insert(pod.node + "/" + std::to_string(share.index));
  return out;
}

std::string where_of(const std::string& name, const std::set<std::string>& on) {
  const std::vector<std::string> list(on.begin(), on.end());
  return name + (list.empty() ? " on no device" : " on " + join(list, " and "));
}

// Pods of one list have a device in common; no device serves two lists.
Result<void> compare_sharing(const Expect& expect, const World& world, std::vector<Difference>& out) {
  std::set<std::string> taken;
  for (std::size_t i = 0; i < expect.shared_gpus.size(); ++i) {
    const std::string path = "/expect/sharedGpus/" + std::to_string(i);
    const std::vector<std::string>& group = expect.shared_gpus[i];
    std::set<std::string> shared, all;
    json::Array where;
    for (const std::string& name : group) {
      const std::set<std::string> on = devices_of(world.pods().at(TRY(find_key(world.pods(), name, "pod", path))));
      where.emplace_back(where_of(name, on));
      if (all.empty()) shared = on;
      std::erase_if(shared, [&](const std::string& device) { return !on.contains(device); });
      all.insert(on.begin(), on.end());
    }
    const bool apart = std::none_of(all.begin(), all.end(), [&](const std::string& d) { return taken.contains(d); });
    if (!group.empty() && (shared.empty() || !apart)) differ(out, path, list_of(group), where);
    taken.insert(all.begin(), all.end());
  }
  return {};
}

Result<void> compare_together(const Expect& expect, const World& world, std::vector<Difference>& out) {
  for (std::size_t i = 0; i < expect.together.size(); ++i) {
    const std::string path = "/expect/together/" + std::to_string(i);
    const Together& wanted = expect.together[i];
    std::set<std::string> values;
    for (const std::string& name : wanted.pods) {
      const model::Pod& pod = world.pods().at(TRY(find_key(world.pods(), name, "pod", path)));
      const auto node = world.nodes().find(pod.node);
      std::string value = "no node";
      if (node != world.nodes().end()) {
        const auto label = node->second.labels.find(wanted.label);
        value = label == node->second.labels.end() ? "no label" : label->second;
      }
      values.insert(value);
    }
    if (values.size() != 1 || values.contains("no node") || values.contains("no label")) {
      differ(out, path, json::Value("one value of " + wanted.label),
             list_of(std::vector<std::string>(values.begin(), values.end())));
    }
  }
  return {};
}

Result<void> compare_nodes(const Expect& expect, const World& world, std::vector<Difference>& out) {
  for (const auto& [name, wanted] : expect.nodes) {
    const std::string path = "/expect/nodes/" + json::escape_step(name);
    const auto use = world.engine().node_use(TRY(find_key(world.nodes(), name, "node", path)));
    const std::int64_t idle = use ? use->idle_gpu_milli : 0, releasing = use ? use->releasing_gpu_milli : 0;
    if (wanted.idle_gpu_milli && *wanted.idle_gpu_milli != idle) {
      differ(out, path + "/idleGpus", devices(*wanted.idle_gpu_milli), devices(idle));
    }
    if (wanted.releasing_gpu_milli && *wanted.releasing_gpu_milli != releasing) {
      differ(out, path + "/releasingGpus", devices(*wanted.releasing_gpu_milli), devices(releasing));
    }
  }
  return {};
}

Result<void> compare_verdicts(const Expect& expect, const World& world, const Verdicts& verdicts,
                              std::vector<Difference>& out) {
  for (const auto& [name, wanted] : expect.verdicts) {
    const std::string path = "/expect/verdicts/" + json::escape_step(name);
    const std::string key = TRY(find_key(world.gangs(), name, "job", path));
    const auto said = verdicts.find(key);
    const model::Verdict* verdict = said == verdicts.end() ? nullptr : &said->second;
    const json::Value reason = verdict == nullptr ? json::Value(nullptr) : json::Value(to_text(verdict->reason));
    if (!wanted.reason) {
      if (verdict != nullptr) differ(out, path, nullptr, reason);
      continue;
    }
    if (verdict == nullptr || verdict->reason != *wanted.reason) {
      differ(out, path + "/reason", json::Value(to_text(*wanted.reason)), reason);
      continue;
    }
    if (wanted.queue && *wanted.queue != verdict->queue)
      differ(out, path + "/queue", json::Value(*wanted.queue), json::Value(verdict->queue));
    for (const auto& [number, value] : wanted.numbers) {
      const auto found = verdict->numbers.find(number);
      const bool equal = found != verdict->numbers.end() && std::abs(found->second - value) < 0.0005;
      if (equal) continue;
      differ(out, path + "/numbers/" + number, value,
             found == verdict->numbers.end() ? json::Value(nullptr) : json::Value(found->second));
    }
  }
  return {};
}

}  // namespace

Result<Verdicts> verdicts_of(const Expect& expect, const World& world) {
  Verdicts out;
  for (const auto& [name, wanted] : expect.verdicts) {
    const std::string path = "/expect/verdicts/" + json::escape_step(name);
    const Result<std::string> key = find_key(world.gangs(), name, "job", path);
    // A job that arrives with a later step has no verdict yet; compare() complains if it never comes.
    if (!key.has_value()) continue;
    if (const model::Verdict* verdict = world.engine().verdict(*key)) out.emplace(*key, *verdict);
  }
  return out;
}

Result<std::vector<Difference>> compare(const Expect& expect, const World& world, const Verdicts& verdicts) {
  std::vector<Difference> out;
  for (const auto& [name, wanted] : expect.pods) {
    const std::string path = "/expect/pods/" + json::escape_step(name);
    const model::Pod& pod = world.pods().at(TRY(find_key(world.pods(), name, "pod", path)));
    compare_pod(wanted, pod, path, "", out);
    compare_gpus(wanted, milli_held(pod), path, out);
  }
  for (const auto& [name, wanted] : expect.jobs) {
    const std::string path = "/expect/jobs/" + json::escape_step(name);
    const std::string key = TRY(find_key(world.gangs(), name, "job", path));
    std::int64_t held = 0;
    for (const model::Pod* pod : world.pods_of(key)) {
      compare_pod(wanted, *pod, path, " (" + pod->name + ")", out);
      held += milli_held(*pod);
    }
    compare_gpus(wanted, held, path, out);
  }
  TRY(compare_nodes(expect, world, out));
  TRY(compare_sharing(expect, world, out));
  TRY(compare_together(expect, world, out));
  TRY(compare_verdicts(expect, world, verdicts, out));
  return out;
}

Result<std::vector<Difference>> compare_shares(const Expect& expect, const World& world) {
  std::vector<Difference> out;
  for (const auto& [name, wanted] : expect.fair_share) {
    const std::string path = "/expect/fairShare/" + json::escape_step(name);
    const std::string key = TRY(find_key(world.queues(), name, "queue", path));
    const auto use = world.engine().queue_use(key);
    const model::Resources share = use ? use->fair_share : model::Resources{};
    if (wanted.gpu && *wanted.gpu != share.gpu) {
      differ(out, path + "/gpu", devices(*wanted.gpu), devices(share.gpu));
    }
    if (wanted.cpu && *wanted.cpu != share.cpu) {
      differ(out, path + "/cpu", devices(*wanted.cpu), devices(share.cpu));
    }
    if (wanted.memory && *wanted.memory != share.memory) {
      differ(out, path + "/memory", *wanted.memory, share.memory);
    }
  }
  return out;
}

std::vector<Difference> compare_counts(const Expect& expect, const sched::Round& round) {
  std::vector<Difference> out;
  const auto check = [&](const char* name, const std::optional<std::int32_t>& most, model::Decision::Kind kind) {
    const auto counted = std::count_if(round.decisions.begin(), round.decisions.end(),
                                       [&](const model::Decision& decision) { return decision.kind == kind; });
    if (most && counted > *most) differ(out, std::string("/expect/atMost/") + name, *most, counted);
  };
  check("binds", expect.binds, model::Decision::Kind::Bind);
  check("evictions", expect.evictions, model::Decision::Kind::Evict);
  check("pipelines", expect.pipelines, model::Decision::Kind::Nominate);
  return out;
}

}  // namespace muster::sim
