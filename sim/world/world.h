#pragma once
// World: a cluster around an engine, as a scenario describes it. It owns the truth (nodes, queues, jobs, pods), tells
// the engine of every change, carries out what the engine decides, and moves on between rounds: what was released waits
// again, what was bound runs.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "sched/engine.h"
#include "sim/scenario/scenario.h"

namespace muster::sim {

class World {
 public:
  // Invalid when the engine refuses something of the scenario.
  static Result<World> create(const Scenario& scenario);
  World(World&&) noexcept = default;
  World& operator=(World&&) noexcept = default;

  // One whole cycle, its decisions carried out; the world has not moved on yet.
  sched::Round decide(Time now);
  sched::Round decide(model::Action action, Time now);
  // Releasing pods wait again without a node (or vanish, when their job is deleted), nominated ones wait, bound ones
  // run.
  Result<void> move_on(Time now);
  // Carries out what no engine decided, so that checks can be checked.
  void carry_out_for_test(const sched::Round& round) { carry_out(round, scenario_now); }
  // What arrives, leaves or is set before a round.
  Result<void> change(const Step& step);
  // One item of a step or of a verdict's remedy. `job` is what "workload" alone stands for.
  Result<void> set(const Set& item, const std::string& job, const std::string& pointer);

  const sched::Engine& engine() const { return engine_; }
  bool has_predicates() const { return config_.predicates; }
  const std::map<std::string, model::Node>& nodes() const { return nodes_; }
  const std::map<std::string, model::Queue>& queues() const { return queues_; }
  const std::map<std::string, model::Gang>& gangs() const { return gangs_; }
  const std::map<std::string, model::Pod>& pods() const { return pods_; }
  std::vector<const model::Pod*> pods_of(const std::string& gang) const;
  // Changes that the engine was told so far.
  std::uint64_t told() const { return told_; }

 private:
  explicit World(sched::Config config);
  Result<void> tell(const sched::Delta& delta);
  Result<void> add(const model::Node& node);
  Result<void> add(const model::Queue& queue);
  Result<void> add(const Job& job);
  Result<void> remove_job(const std::string& key);
  Result<void> update(const model::Pod& pod);
  Result<void> set_queue(const Set& item, const std::string& name, const std::string& pointer);
  Result<void> set_job(const Set& item, const std::string& key, const std::string& pointer);
  Result<void> set_node(const Set& item, const std::string& name, const std::string& pointer);
  Result<void> set_pod(const Set& item, const std::string& name, const std::string& pointer);
  Result<std::string> find_job(const std::string& name, const std::string& pointer) const;
  void carry_out(const sched::Round& round, Time now);

  std::uint64_t told_ = 0;
  sched::Config config_;
  sched::Engine engine_;
  std::map<std::string, model::Node> nodes_;
  std::map<std::string, model::Queue> queues_;
  std::map<std::string, model::Gang> gangs_;                 // by "ns/name"
  std::map<std::string, model::Pod> pods_;                   // by "ns/name"
  std::map<std::string, std::vector<std::string>> members_;  // gang -> its pods in order
};

}  // namespace muster::sim
