// The `config`, `topologies`, `pools` and `budgets` of a scenario file.

#include <array>
#include <cmath>

#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"

namespace muster::sim {
namespace {

const std::vector<std::string> placements = {"binpack", "spread", "fragmentation"};
const std::vector<std::string> methods = {"lca", "queue"};

Result<sched::Placement> read_placement(const std::string& text, const std::string& pointer) {
  if (text == "binpack") return sched::Placement::Binpack;
  if (text == "spread") return sched::Placement::Spread;
  if (text == "fragmentation") return sched::Placement::Fragmentation;
  return unknown_word("placement", text, placements, pointer);
}

Result<std::optional<sched::Placement>> read_placement(const std::optional<std::string>& text,
                                                       const std::string& pointer) {
  if (!text) return std::optional<sched::Placement>();
  return std::optional(TRY(read_placement(*text, pointer)));
}

Result<std::int64_t> read_factor(double number, const std::string& pointer) {
  if (!std::isfinite(number) || number < 0 || number > 1e6) {
    return at_pointer("expected a number from 0 to 1000000", pointer);
  }
  return milli_of(number);
}

Result<void> read_pools(const document::Scenario& file, sched::Config& out) {
  for (std::size_t i = 0; i < file.pools.size(); ++i) {
    const document::Pool& pool = file.pools[i];
    const std::string pointer = "/pools/" + std::to_string(i);
    sched::Pool read{.name = pool.name};
    if (pool.name.empty()) return at_pointer("a pool needs a name", pointer + "/name");
    if (!pool.label.empty() && pool.label.size() != 2) {
      return at_pointer("expected a label's key and value, for example [\"pool\", \"a100\"]", pointer + "/label");
    }
    if (pool.label.size() == 2) read.label_key = pool.label[0], read.label_value = pool.label[1];
    if (pool.placement) {
      read.gpu = TRY(read_placement(pool.placement->gpu, pointer + "/placement/gpu"));
      read.cpu = TRY(read_placement(pool.placement->cpu, pointer + "/placement/cpu"));
    }
    out.pools.push_back(read);
  }
  return {};
}

}  // namespace

Result<model::Action> read_action(const std::string& text, const std::string& pointer) {
  model::Action action{};
  if (model::parse(text, action)) return action;
  static const std::vector<std::string> known = {"allocate", "consolidate", "reclaim", "preempt", "stale-gang"};
  return unknown_word("action", text, known, pointer);
}

Result<sched::Config> read_config(const document::Scenario& file) {
  const document::Config& in = file.config;
  sched::Config out;
  out.gpu = TRY(read_placement(in.placement.gpu, "/config/placement/gpu"));
  out.cpu = TRY(read_placement(in.placement.cpu, "/config/placement/cpu"));
  // By fragmentation a node and its device are chosen together, or not at all.
  if (in.placement.devices == "fragmentation")
    return at_pointer("expected binpack or spread; left out, devices go as gpu", "/config/placement/devices");
  out.devices = TRY(read_placement(in.placement.devices, "/config/placement/devices"));
  if (in.actions) {
    out.actions.clear();
    for (std::size_t i = 0; i < in.actions->size(); ++i) {
      out.actions.push_back(TRY(read_action((*in.actions)[i], "/config/actions/" + std::to_string(i))));
    }
  }
  if (in.max_consolidation_preemptees.present) {
    out.max_consolidation_preemptees = in.max_consolidation_preemptees.value;
    if (out.max_consolidation_preemptees.value_or(0) < 0) {
      return at_pointer("expected a number that is not negative, or null", "/config/maxConsolidationPreemptees");
    }
  }
  out.consolidating_reclaim = in.consolidating_reclaim;
  out.staleness_grace = TRY(read_length(in.staleness_grace_period, "/config/stalenessGracePeriod"));
  out.preempt_min_runtime = TRY(read_length(in.preempt_min_runtime, "/config/preemptMinRuntime"));
  out.reclaim_min_runtime = TRY(read_length(in.reclaim_min_runtime, "/config/reclaimMinRuntime"));
  if (in.reclaim_min_runtime_method == "queue") {
    out.reclaim_min_runtime_method = sched::Config::MinRuntimeMethod::Queue;
  } else if (in.reclaim_min_runtime_method != "lca") {
    return unknown_word("method", in.reclaim_min_runtime_method, methods, "/config/reclaimMinRuntimeMethod");
  }
  out.reclaim_saturation_multiplier_milli =
      TRY(read_factor(in.reclaim_saturation_multiplier, "/config/reclaimSaturationMultiplier"));
  out.history_k_milli = TRY(read_factor(in.k, "/config/k"));
  out.reclaim_for_any_excess = in.reclaim_for_any_excess;
  out.consolidation_min_runtime = TRY(read_length(in.consolidation_min_runtime, "/config/consolidationMinRuntime"));
  if (in.victims == "least-lost") {
    out.victims = sched::Config::Victims::LeastLost;
  } else if (in.victims != "youngest") {
    static const std::vector<std::string> known = {"youngest", "least-lost"};
    return unknown_word("order of victims", in.victims, known, "/config/victims");
  }
  if (in.surplus == "quota") {
    out.surplus = sched::Config::Surplus::ByQuota;
  } else if (in.surplus != "weight") {
    static const std::vector<std::string> known = {"weight", "quota"};
    return unknown_word("division", in.surplus, known, "/config/surplus");
  }
  out.restrict_scheduling = in.restrict_scheduling;
  out.predicates = in.predicates;
  for (const document::Topology& topology : file.topologies) out.topologies.push_back({topology.name, topology.levels});
  TRY(read_pools(file, out));
  for (const document::Budget& budget : file.budgets) {
    out.budgets.push_back({.name = budget.name,
                           .ns = budget.namespace_.value_or("default"),
                           .labels = budget.labels,
                           .max_unavailable = budget.max_unavailable});
  }
  return out;
}

}  // namespace muster::sim
