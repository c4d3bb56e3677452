#include "sim/run/solve.h"

#include <algorithm>
#include <set>

#include "base/time.h"

namespace muster::sim {
namespace {

double units(std::int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

bool is_busy(const World& world) {
  const bool releasing = std::any_of(world.pods().begin(), world.pods().end(), [](const auto& entry) {
    return entry.second.state == model::PodState::Releasing;
  });
  return releasing || std::any_of(world.gangs().begin(), world.gangs().end(), [&](const auto& entry) {
           const model::Verdict* verdict = world.engine().verdict(entry.first);
           return verdict != nullptr && verdict->reason == model::Reason::BackingOff;
         });
}

json::Value pod_json(const model::Pod& pod) {
  json::Array devices;
  for (const model::DeviceShare& share : pod.devices) {
    devices.push_back(json::Object{{"index", share.index}, {"milli", share.milli}});
  }
  return json::Object{{"state", to_text(pod.state)},
                      {"node", pod.node.empty() ? json::Value(nullptr) : json::Value(pod.node)},
                      {"devices", std::move(devices)}};
}

// The one state that all pods have; else Running when one holds resources, else Pending.
std::string_view state_of(const std::vector<const model::Pod*>& pods) {
  std::set<model::PodState> states;
  bool holds = false;
  for (const model::Pod* pod : pods) {
    states.insert(pod->state);
    holds = holds || model::holds_resources(pod->state);
  }
  if (states.size() == 1) return to_text(*states.begin());
  return to_text(holds ? model::PodState::Running : model::PodState::Pending);
}

json::Value use_json(std::int64_t model::Resources::* resource, double scale, const sched::QueueUse& use) {
  const auto amount = [&](const model::Resources& r) { return static_cast<double>(r.*resource) / scale; };
  return json::Object{{"fairShare", amount(use.fair_share)},
                      {"allocated", amount(use.allocated)},
                      {"allocatedNonPreemptible", amount(use.allocated_non_preemptible)},
                      {"requested", amount(use.requested)}};
}

json::Value decision_json(std::int32_t round, const model::Decision& decision) {
  json::Object out{{"round", round},
                   {"kind", to_text(decision.kind)},
                   {"pod", key_of(decision.ns, decision.pod)},
                   {"node", decision.node}};
  if (decision.kind != model::Decision::Kind::Evict) {
    json::Array devices;
    for (const model::DeviceShare& share : decision.devices) devices.emplace_back(share.index);
    out["devices"] = std::move(devices);
  }
  out["action"] = to_text(decision.action);
  out["for"] = decision.for_gang.empty() ? json::Value(nullptr) : json::Value(decision.for_gang);
  if (!decision.message.empty()) out["message"] = decision.message;
  return out;
}

json::Value remedy_json(const model::Remedy& remedy) {
  json::Object out{{"set", remedy.set}, {"field", remedy.field}};
  if (const double* number = std::get_if<double>(&remedy.to)) {
    out["to"] = *number;
  } else if (const std::string* text = std::get_if<std::string>(&remedy.to)) {
    out["to"] = *text;
  } else {
    out["to"] = nullptr;
  }
  return out;
}

std::map<std::string, model::Verdict> verdicts_of(const World& world, Time now) {
  std::map<std::string, model::Verdict> out;
  for (const auto& [key, gang] : world.gangs()) {
    std::optional<model::Verdict> verdict = world.engine().why(key, now);
    if (verdict) out.emplace(key, std::move(*verdict));
  }
  return out;
}

}  // namespace

Result<Solved> solve(const Scenario& scenario, std::int32_t rounds) {
  Solved out{.world = TRY(World::create(scenario))};
  const Run& run = scenario.run;
  const std::int32_t last_step = run.steps.empty() ? 0 : run.steps.back().round;
  const std::int32_t most = rounds > 0 ? rounds : std::max(most_rounds_to_rest, last_step + most_rounds_to_rest);
  while (out.rounds < most) {
    const std::int32_t number = ++out.rounds;
    const Time now = scenario_now + run.per_round * (number - 1);
    for (const Step& step : run.steps) {
      if (step.round == number) TRY(out.world.change(step));
    }
    const bool releasing = is_busy(out.world);
    const sched::Round round = out.world.decide(now);
    for (const model::Decision& decision : round.decisions) out.decisions.emplace_back(number, decision);
    const bool goes_on = round.wake_at && *round.wake_at - now < run.per_round;
    out.at_rest = round.decisions.empty() && !goes_on && !releasing && !is_busy(out.world) && number >= last_step;
    const bool last = number == most || (rounds == 0 && out.at_rest);
    if (last) out.verdicts = verdicts_of(out.world, now);
    TRY(out.world.move_on(now));
    if (last) break;
  }
  return out;
}

json::Value to_json(const model::Verdict& verdict) {
  json::Object numbers, causes;
  for (const auto& [name, number] : verdict.numbers) numbers[name] = number;
  for (const auto& [cause, nodes] : verdict.causes) causes[cause] = nodes;
  if (!causes.empty()) numbers["causes"] = causes;
  json::Array remedies;
  for (const model::Remedy& remedy : verdict.remedy) remedies.push_back(remedy_json(remedy));
  json::Object out{{"reason", to_text(verdict.reason)}};
  if (!verdict.queue.empty()) out["queue"] = verdict.queue;
  if (!verdict.resource.empty()) out["resource"] = verdict.resource;
  out["numbers"] = std::move(numbers);
  out["message"] = verdict.message;
  out["remedy"] = std::move(remedies);
  return out;
}

json::Value to_json(const Solved& solved) {
  const World& world = solved.world;
  json::Object pods, jobs, queues, nodes;
  for (const auto& [key, pod] : world.pods()) pods[key] = pod_json(pod);
  for (const auto& [key, gang] : world.gangs()) {
    const auto verdict = solved.verdicts.find(key);
    jobs[key] =
        json::Object{{"state", state_of(world.pods_of(key))},
                     {"verdict", verdict == solved.verdicts.end() ? json::Value(nullptr) : to_json(verdict->second)}};
  }
  for (const auto& [name, queue] : world.queues()) {
    const sched::QueueUse use = world.engine().queue_use(name).value_or(sched::QueueUse{});
    queues[name] = json::Object{{"gpu", use_json(&model::Resources::gpu, 1000, use)},
                                {"cpu", use_json(&model::Resources::cpu, 1000, use)},
                                {"memory", use_json(&model::Resources::memory, 1, use)}};
  }
  for (const auto& [name, node] : world.nodes()) {
    const auto use = world.engine().node_use(name).value_or(sched::Engine::NodeUse{});
    nodes[name] =
        json::Object{{"idleGpus", units(use.idle_gpu_milli)}, {"releasingGpus", units(use.releasing_gpu_milli)}};
  }
  json::Array decisions;
  for (const auto& [round, decision] : solved.decisions) decisions.push_back(decision_json(round, decision));
  return json::Object{{"rounds", solved.rounds},     {"pods", std::move(pods)},   {"jobs", std::move(jobs)},
                      {"queues", std::move(queues)}, {"nodes", std::move(nodes)}, {"decisions", std::move(decisions)}};
}

}  // namespace muster::sim
