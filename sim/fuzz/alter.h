#pragma once
// Alter: the same scenario told differently, or with something in it that must not matter. What the engine decides in
// it is then known from what it decides in the original.

#include <optional>
#include <string>
#include <vector>

#include "sim/random/random.h"
#include "sim/scenario/scenario.h"

namespace muster::sim::fuzz {

// Every name of a node, queue, job and pod with `prefix` in front, so that their order stays.
Scenario renamed(Scenario scenario, const std::string& prefix);
// Nodes, queues and jobs in another order.
Scenario shuffled(Scenario scenario, Random& random);
// Twice the CPU, memory, device memory and other resources of nodes, requests, quotas and limits; with `gpus` twice the
// devices as well. nullopt where that is not the same problem: portions of devices do not double.
std::optional<Scenario> doubled(Scenario scenario, bool gpus);
// One more top queue that nobody uses.
Scenario with_idle_queue(Scenario scenario);
// One more node that can hold nothing.
enum class Useless { Cordoned, Bare };
Scenario with_useless_node(Scenario scenario, Useless how);

struct History {
  std::vector<std::string> decisions;  // a line each
  std::vector<std::int64_t> shares;    // of GPUs: every queue, round by round
  std::vector<std::string> reasons;    // why who waits at the end
};
// The scenario's rounds and some more. `devices`: say which.
History history_of(const Scenario& scenario, bool devices);

}  // namespace muster::sim::fuzz
