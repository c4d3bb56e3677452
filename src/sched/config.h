#pragma once
// Config: the policy of one scheduler, with the defaults that users of Run:ai and KAI rely on. Deliberate differences
// are named switches, listed in docs/scheduling.md.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/decision.h"

namespace muster::sched {

enum class Placement { Binpack, Spread };

struct Pool {
  std::string name = "default";
  std::string label_key, label_value;  // "" = takes the nodes that no other pool takes
  std::optional<Placement> gpu, cpu;   // nullopt = the config's
};

struct Topology {
  std::string name;
  std::vector<std::string> levels;  // node labels, widest first
};

struct Budget {  // PodDisruptionBudget
  std::string name, ns;
  std::map<std::string, std::string> labels;
  std::int32_t max_unavailable = 0;
};

struct Config {
  Placement gpu = Placement::Binpack;
  Placement cpu = Placement::Binpack;
  std::optional<Placement> devices;  // which GPU inside a node a fraction goes to; nullopt = as gpu
  std::vector<model::Action> actions = {model::Action::Allocate, model::Action::Consolidate, model::Action::Reclaim,
                                        model::Action::Preempt, model::Action::StaleGang};
  std::optional<std::int32_t> max_consolidation_preemptees = 16;  // nullopt = no bound
  bool consolidating_reclaim = true;
  Duration staleness_grace = seconds(60);  // negative = never
  Duration preempt_min_runtime;
  Duration reclaim_min_runtime;
  // A job is not moved by consolidation before it has run this long. 0: at once, as the peers do; the running system
  // asks for a minute, since moving a job costs all that it has done.
  Duration consolidation_min_runtime;
  enum class MinRuntimeMethod { Lca, Queue } reclaim_min_runtime_method = MinRuntimeMethod::Lca;
  std::int64_t reclaim_saturation_multiplier_milli = 1000;
  bool reclaim_for_any_excess = false;  // take from a queue for what it has too much of, whether or not it is asked for
  std::int64_t history_k_milli = 1000;
  bool predicates = true;   // false: no label, taint, affinity and per-node limit checks (imported cases)
  std::vector<Pool> pools;  // empty: one pool `default` of all nodes
  std::vector<Topology> topologies;
  std::vector<Budget> budgets;
};

}  // namespace muster::sched
