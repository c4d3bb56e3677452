#include "sim/world/world.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "sim/scenario/nouns.h"
#include "sim/world/find.h"

namespace muster::sim {
namespace {

// Parents before children, so that every queue is told after the one it hangs from.
std::vector<const model::Queue*> by_depth(const std::vector<model::Queue>& queues) {
  std::vector<const model::Queue*> order;
  std::set<std::string> told;
  std::vector<const model::Queue*> left;
  for (const model::Queue& queue : queues) left.push_back(&queue);
  while (!left.empty()) {
    std::vector<const model::Queue*> later;
    for (const model::Queue* queue : left) {
      const bool waits = std::any_of(left.begin(), left.end(), [&](const model::Queue* other) {
        return other->name == queue->parent && !told.contains(other->name);
      });
      if (waits && queue->parent != queue->name) {
        later.push_back(queue);
      } else {
        order.push_back(queue);
        told.insert(queue->name);
      }
    }
    if (later.size() == left.size()) {  // a circle: the engine says so
      order.insert(order.end(), later.begin(), later.end());
      break;
    }
    left = std::move(later);
  }
  return order;
}

}  // namespace

World::World(sched::Config config) : config_(config), engine_(std::move(config)) {}

Result<World> World::create(const Scenario& scenario) {
  World world(scenario.config);
  for (const model::Queue* queue : by_depth(scenario.queues)) TRY(world.add(*queue));
  for (const model::Node& node : scenario.nodes) TRY(world.add(node));
  for (const Job& job : scenario.jobs) TRY(world.add(job));
  return world;
}

Result<void> World::tell(const sched::Delta& delta) {
  ++told_;
  return engine_.apply(delta);
}

Result<void> World::add(const model::Node& node) {
  TRY(tell(sched::UpsertNode{node}));
  nodes_[node.name] = node;
  return {};
}

Result<void> World::add(const model::Queue& queue) {
  TRY(tell(sched::UpsertQueue{queue}));
  queues_[queue.name] = queue;
  return {};
}

Result<void> World::add(const Job& job) {
  if (!job.is_foreign) {
    TRY(tell(sched::UpsertGang{job.gang}));
    gangs_[job.gang.uid] = job.gang;
  }
  for (const model::Pod& pod : job.pods) {
    TRY(update(pod));
    if (!pod.foreign) members_[job.gang.uid].push_back(pod.uid);
  }
  return {};
}

Result<void> World::update(const model::Pod& pod) {
  TRY(tell(sched::UpsertPod{pod}));
  pods_[pod.uid] = pod;
  return {};
}

Result<void> World::remove_job(const std::string& key) {
  for (const std::string& pod : members_[key]) {
    const model::Pod& gone = pods_.at(pod);
    TRY(tell(sched::RemovePod{gone.ns, gone.name}));
    pods_.erase(pod);
  }
  members_.erase(key);
  const model::Gang gang = gangs_.at(key);
  TRY(tell(sched::RemoveGang{gang.ns, gang.name}));
  gangs_.erase(key);
  return {};
}

std::vector<const model::Pod*> World::pods_of(const std::string& gang) const {
  std::vector<const model::Pod*> out;
  const auto found = members_.find(gang);
  if (found == members_.end()) return out;
  for (const std::string& pod : found->second) out.push_back(&pods_.at(pod));
  return out;
}

sched::Round World::decide(Time now) {
  sched::Round round = engine_.run(now);
  carry_out(round, now);
  return round;
}

sched::Round World::decide(model::Action action, Time now) {
  sched::Round round = engine_.run_action(action, now);
  carry_out(round, now);
  return round;
}

void World::carry_out(const sched::Round& round, Time now) {
  for (const model::Decision& decision : round.decisions) {
    const auto found = pods_.find(key_of(decision.ns, decision.pod));
    CHECK(found != pods_.end(), "the engine decides about pods it was told of");
    model::Pod& pod = found->second;
    if (decision.kind == model::Decision::Kind::Evict) {
      pod.state = model::PodState::Releasing;
      gangs_[key_of(pod.ns, pod.gang)].last_evicted = now;
      continue;
    }
    pod.state = decision.kind == model::Decision::Kind::Bind ? model::PodState::Binding : model::PodState::Pipelined;
    pod.node = decision.node;
    pod.devices = decision.devices;
  }
}

Result<void> World::move_on(Time now) {
  std::set<std::string> ran, starts;
  std::vector<model::Pod> changed;
  std::vector<std::string> vanished;
  for (const auto& [key, pod] : pods_) {
    const std::string gang = key_of(pod.ns, pod.gang);
    switch (pod.state) {
      case model::PodState::Releasing:
        if (gangs_.contains(gang) && gangs_.at(gang).deleted) {
          vanished.push_back(key);
          break;
        }
        [[fallthrough]];
      case model::PodState::Pipelined:
        changed.push_back(pod);
        changed.back().state = model::PodState::Pending;
        changed.back().node.clear();
        changed.back().devices.clear();
        break;
      case model::PodState::Binding:
      case model::PodState::Bound:
      case model::PodState::Allocated:
        changed.push_back(pod);
        changed.back().state = model::PodState::Running;
        starts.insert(gang);
        break;
      case model::PodState::Running:
        ran.insert(gang);
        break;
      default:
        break;
    }
  }
  for (const model::Pod& pod : changed) TRY(update(pod));
  for (const std::string& key : vanished) {
    const model::Pod gone = pods_.at(key);
    TRY(tell(sched::RemovePod{gone.ns, gone.name}));
    pods_.erase(key);
    std::erase(members_[key_of(gone.ns, gone.gang)], key);
  }
  for (auto& [key, gang] : gangs_) {
    const bool begins = starts.contains(key) && !ran.contains(key);
    if (begins) gang.last_start = now;
    if (begins || gang.last_evicted == now) TRY(tell(sched::UpsertGang{gang}));
  }
  return {};
}

Result<void> World::change(const Step& step) {
  for (const std::string& name : step.remove_jobs) {
    const std::string key = TRY(find_key(gangs_, name, "job", step.pointer + "/remove/jobs"));
    TRY(remove_job(key));
  }
  for (const std::string& name : step.remove_pods) {
    const std::string key = TRY(find_key(pods_, name, "pod", step.pointer + "/remove/pods"));
    const model::Pod gone = pods_.at(key);
    TRY(tell(sched::RemovePod{gone.ns, gone.name}));
    pods_.erase(key);
    std::erase(members_[key_of(gone.ns, gone.gang)], key);
  }
  for (const std::string& name : step.remove_nodes) {
    if (nodes_.erase(name) == 0) return at_pointer("no node \"" + name + "\"", step.pointer + "/remove/nodes");
    TRY(tell(sched::RemoveNode{name}));
    // What ran there is lost and starts over.
    for (auto& [key, pod] : pods_) {
      if (pod.node != name) continue;
      model::Pod lost = pod;
      lost.state = model::PodState::Pending;
      lost.node.clear();
      lost.devices.clear();
      TRY(update(lost));
    }
  }
  for (const std::string& name : step.remove_queues) {
    if (queues_.erase(name) == 0) return at_pointer("no queue \"" + name + "\"", step.pointer + "/remove/queues");
    TRY(tell(sched::RemoveQueue{name}));
  }
  for (const model::Queue& queue : step.add_queues) TRY(add(queue));
  for (const model::Node& node : step.add_nodes) TRY(add(node));
  std::vector<Job> jobs = step.add_jobs;
  std::vector<model::Node> nodes;
  std::vector<model::Pod> seated;
  for (const auto& [name, node] : nodes_) nodes.push_back(node);
  for (const auto& [key, pod] : pods_) seated.push_back(pod);
  TRY(seat_pods(nodes, seated, jobs));
  for (const Job& job : jobs) {
    if (gangs_.contains(job.gang.uid)) {
      return at_pointer("job \"" + job.gang.uid + "\" is there already", step.pointer + "/add/jobs");
    }
    TRY(add(job));
  }
  for (std::size_t i = 0; i < step.sets.size(); ++i) {
    TRY(set(step.sets[i], "", step.pointer + "/set/" + std::to_string(i)));
  }
  return {};
}

}  // namespace muster::sim
