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

// Fragmentation: where least is left behind that no known shape can use (rank/gradient.h).
enum class Placement { Binpack, Spread, Fragmentation };

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
  // How far a consolidation searches. Where no more jobs run in the pool than `consolidation_walk`, all of them are
  // tried in the order in which they give way. In a larger pool a gang of whole devices looks at so many nodes more
  // than it has pods, those first where the fewest pods have to leave; others try the first `consolidation_walk` jobs.
  std::int32_t consolidation_walk = 256;
  std::int32_t consolidation_nodes = 16;
  // A search whose victims were refused by the rule goes on without them, through so many more units at most.
  std::int32_t walk_after_refusal = 1000;
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
  // Who gives way first among equally important jobs of one queue: the youngest, or whoever loses the fewest
  // GPU-seconds since its start or last checkpoint.
  enum class Victims { Youngest, LeastLost } victims = Victims::Youngest;
  enum class Surplus { ByWeight, ByQuota } surplus = Surplus::ByWeight;  // in proportion to what it is divided
  bool restrict_scheduling = false;  // GPU pods only on nodes of role gpu-worker, others only on cpu-worker
  bool predicates = true;            // false: no label, taint, affinity and per-node limit checks (imported cases)
  std::vector<Pool> pools;           // empty: one pool `default` of all nodes
  std::vector<Topology> topologies;
  std::vector<Budget> budgets;
};

}  // namespace muster::sched
