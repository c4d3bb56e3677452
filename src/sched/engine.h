#pragma once
// Engine: the scheduler as a pure library. Feed it deltas, run rounds, carry out the decisions, feed back what became
// of them. Thread contract: one thread owns an engine. Nothing in here reads a clock, a file or a random number.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/decision.h"
#include "model/resources.h"
#include "model/verdict.h"
#include "sched/config.h"
#include "sched/delta.h"

namespace muster::sched {

struct Round {
  std::uint64_t number = 0;
  std::vector<model::Decision> decisions;
  // Gangs whose verdict changed in this round, "ns/name"; nullopt: it no longer waits.
  std::vector<std::pair<std::string, std::optional<model::Verdict>>> verdicts;
  // When the engine wants to be run again although nothing happened (a delay, back-off, minimum run time or grace
  // ends); nullopt: never.
  std::optional<Time> wake_at;
};

struct QueueUse {
  model::Resources fair_share;  // allocatable share when infinite demand is absent; unlimited = demand
  model::Resources allocated;
  model::Resources allocated_non_preemptible;
  model::Resources requested;  // allocated + pending of the subtree
};

// Would this gang run now, where, who gives way.
struct Plan {
  bool starts_now = false;
  std::vector<model::Decision> decisions;  // what a real submission would cause in its first round
  std::optional<model::Verdict> verdict;   // why not now
};

// What a change of queues (quotas, limits, weights, new ones) would lead to.
struct WhatIf {
  std::map<std::string, QueueUse> before, after;  // by queue; `after` as the decisions would leave it
  std::vector<model::Decision> decisions;         // of the next round
};

class Engine {
 public:
  explicit Engine(Config config = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Invalid when the noun contradicts itself (unknown sub-group parent, device index out of range ...); the world is
  // then unchanged.
  Result<void> apply(const Delta& delta);

  // One whole cycle: the configured actions in order, then verdicts. Decisions are applied to the world at once: a
  // bound pod is Binding and holds its devices, an evicted one is Releasing, a nominated one is Pipelined for this
  // round only.
  Round run(Time now);
  // One action alone, as scenario files with run.action want it.
  Round run_action(model::Action action, Time now);

  // Answers from memory; nothing changes. `gang` is "ns/name".
  const model::Verdict* verdict(const std::string& gang) const;
  // The verdict with remedies worked out (on a private copy); nullopt when the gang does not wait.
  std::optional<model::Verdict> why(const std::string& gang, Time now) const;
  // What would happen if this gang with these pods were submitted now. The world is not changed.
  Result<Plan> plan(const model::Gang& gang, const std::vector<model::Pod>& pods, Time now) const;

  // What the next round would do if these queues were so. The world is not changed. Invalid as apply() is.
  Result<WhatIf> what_if(const std::vector<model::Queue>& queues, Time now) const;

  std::optional<QueueUse> queue_use(const std::string& queue) const;
  std::vector<std::string> queue_names() const;
  // A pod as the engine sees it after the last round (state, node, devices); nullopt: unknown.
  std::optional<model::Pod> pod(const std::string& ns, const std::string& name) const;
  struct NodeUse {
    std::int64_t idle_gpu_milli = 0;       // free, not counting what is being released
    std::int64_t releasing_gpu_milli = 0;  // held by pods that are going away
  };
  std::optional<NodeUse> node_use(const std::string& node) const;
  // Hash of everything that can influence a decision; equal worlds hash equal whatever order of deltas made them.
  std::uint64_t world_hash() const;
  // Recomputes every maintained counter and compares; text of the first difference, "" when all agree. For tests and
  // the fuzzer.
  std::string check_invariants() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace muster::sched
