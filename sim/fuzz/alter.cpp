#include "sim/fuzz/alter.h"

#include <fmt/core.h>

#include <algorithm>

#include "sim/fuzz/steps.h"
#include "sim/world/world.h"

namespace muster::sim::fuzz {
namespace {

constexpr std::int32_t rounds_after = 5;

// Every node, queue and job of the beginning and of the steps.
template <class Node, class Queue, class Each>
void each_noun(Scenario& scenario, Node&& node, Queue&& queue, Each&& job) {
  std::for_each(scenario.nodes.begin(), scenario.nodes.end(), node);
  std::for_each(scenario.queues.begin(), scenario.queues.end(), queue);
  std::for_each(scenario.jobs.begin(), scenario.jobs.end(), job);
  for (Step& step : scenario.run.steps) {
    std::for_each(step.add_nodes.begin(), step.add_nodes.end(), node);
    std::for_each(step.add_queues.begin(), step.add_queues.end(), queue);
    std::for_each(step.add_jobs.begin(), step.add_jobs.end(), job);
  }
}

void double_request(model::GpuRequest& gpu, bool gpus) {
  using Kind = model::GpuRequest::Kind;
  gpu.memory_mib *= 2, gpu.memory_limit_mib *= 2;
  if (gpus && gpu.kind == Kind::Whole) gpu.devices *= 2;
}

void double_bounds(model::QueueResource& resource) {
  if (resource.quota) *resource.quota *= 2;
  if (resource.limit) *resource.limit *= 2;
}

// A step that sets a bound would have to be doubled by its text.
bool sets_amounts(const Scenario& scenario) {
  for (const Step& step : scenario.run.steps) {
    for (const Set& set : step.sets) {
      if (set.field.ends_with(".quota") || set.field.ends_with(".limit") || set.field == "gpu") return true;
    }
  }
  return false;
}

std::string line_of(std::int32_t round, const model::Decision& decision, bool devices) {
  std::string held;
  for (const model::DeviceShare& share : decision.devices) held += fmt::format(" {}:{}", share.index, share.milli);
  return fmt::format("{} {} {} {}/{} on {}{} for {}", round, to_text(decision.action), to_text(decision.kind),
                     decision.ns, decision.pod, decision.node, devices ? held : "", decision.for_gang);
}

}  // namespace

Scenario renamed(Scenario scenario, const std::string& prefix) {
  const auto name = [&](std::string& text) {
    if (!text.empty()) text = prefix + text;
  };
  each_noun(
      scenario, [&](model::Node& node) { name(node.name); },
      [&](model::Queue& queue) { name(queue.name), name(queue.parent); },
      [&](Job& job) {
        name(job.gang.name), name(job.gang.queue);
        job.gang.uid = key_of(job.gang.ns, job.gang.name);
        for (model::Pod& pod : job.pods) {
          name(pod.name), name(pod.gang), name(pod.node);
          pod.uid = key_of(pod.ns, pod.name);
        }
      });
  for (Step& step : scenario.run.steps) {
    for (auto* list : {&step.remove_nodes, &step.remove_queues, &step.remove_jobs, &step.remove_pods}) {
      for (std::string& text : *list) {
        const std::size_t slash = text.find('/');
        text.insert(slash == std::string::npos ? 0 : slash + 1, prefix);
      }
    }
    for (Set& set : step.sets) {
      set.what.insert(set.what.rfind('/') + 1, prefix);
      if (set.field == "queue" && set.to.is_string()) set.to = prefix + std::string(set.to.get_string());
    }
  }
  return scenario;
}

Scenario shuffled(Scenario scenario, Random& random) {
  shuffle(scenario.nodes, random), shuffle(scenario.queues, random), shuffle(scenario.jobs, random);
  for (Step& step : scenario.run.steps) {
    shuffle(step.add_nodes, random), shuffle(step.add_jobs, random);
  }
  return scenario;
}

std::optional<Scenario> doubled(Scenario scenario, bool gpus) {
  if (sets_amounts(scenario)) return std::nullopt;
  bool possible = true;
  each_noun(
      scenario,
      [&](model::Node& node) {
        node.cpu *= 2, node.memory *= 2;
        for (auto& [name, amount] : node.extended) amount *= 2;
        for (model::Device& device : node.devices) device.memory_mib *= 2;
        if (!gpus) return;
        possible = possible && node.devices.size() <= 32 && node.mig_instances.empty();
        // The parts of a machine would have to double too.
        for (const model::Device& device : node.devices) possible = possible && device.numa < 0;
        node.devices.insert(node.devices.end(), node.devices.begin(), node.devices.end());
        for (std::size_t i = node.devices.size() / 2; i < node.devices.size(); ++i) node.devices[i].uuid += "'";
      },
      [&](model::Queue& queue) {
        double_bounds(queue.cpu), double_bounds(queue.memory);
        for (auto& [name, bounds] : queue.classes) {
          if (!name.starts_with("nvidia.com/mig-")) double_bounds(bounds);
        }
        if (gpus) double_bounds(queue.gpu);
      },
      [&](Job& job) {
        for (model::Pod& pod : job.pods) {
          model::Constraints& wants = pod.constraints;
          possible = possible && !(gpus && wants.gpu.is_shared());
          wants.cpu *= 2, wants.memory *= 2;
          for (auto& [name, amount] : wants.extended) amount *= 2;
          double_request(wants.gpu, gpus);
          for (model::DeviceShare& share : pod.devices) share.memory_mib *= 2;
          if (!gpus) continue;
          // Device i becomes the two that lie at 2 i.
          std::vector<model::DeviceShare> pairs;
          for (model::DeviceShare share : pod.devices) {
            share.index *= 2;
            pairs.push_back(share), ++share.index, pairs.push_back(share);
          }
          pod.devices = pairs;
        }
      });
  if (!possible) return std::nullopt;
  return scenario;
}

Scenario with_idle_queue(Scenario scenario) {
  model::Queue idle{.name = "zz-idle"};
  idle.created = scenario_now;
  scenario.queues.push_back(idle);
  return scenario;
}

Scenario with_useless_node(Scenario scenario, Useless how) {
  model::Node node{.name = "zz-useless", .pods = 0};
  if (how == Useless::Cordoned) {
    node.unschedulable = true, node.pods = 110, node.cpu = 64'000, node.memory = std::int64_t{1} << 40;
    for (int i = 0; i < 8; ++i) node.devices.push_back({.uuid = fmt::format("zz-{}", i)});
  }
  scenario.nodes.push_back(node);
  return scenario;
}

History history_of(const Scenario& scenario, bool devices) {
  History out;
  Result<World> world = World::create(scenario);
  if (!world.has_value()) return out;
  const Run& run = scenario.run;
  const std::int32_t last = run.steps.empty() ? run.rounds : std::max(run.rounds, run.steps.back().round);
  for (std::int32_t round = 1; round <= last + rounds_after; ++round) {
    const Time now = scenario_now + run.per_round * (round - 1);
    for (const Step& step : run.steps) {
      if (step.round != round) continue;
      const Result<void> changed = world->change(applicable(step, *world));
      if (!changed.has_value()) out.decisions.push_back(fmt::format("{} refused", round));
    }
    const sched::Round decided = run.action ? world->decide(*run.action, now) : world->decide(now);
    for (const model::Decision& decision : decided.decisions)
      out.decisions.push_back(line_of(round, decision, devices));
    for (const auto& [name, queue] : world->queues()) {
      const auto use = world->engine().queue_use(name);
      out.shares.push_back(use ? use->fair_share.gpu : -1);
    }
    const Result<void> moved = world->move_on(now);
    if (!moved.has_value()) out.decisions.push_back(fmt::format("{} refused", round));
  }
  for (const auto& [key, gang] : world->gangs()) {
    const model::Verdict* verdict = world->engine().verdict(key);
    if (verdict != nullptr) out.reasons.push_back(fmt::format("{} {}", key, to_text(verdict->reason)));
  }
  return out;
}

}  // namespace muster::sim::fuzz
