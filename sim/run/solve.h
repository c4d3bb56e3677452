#pragma once
// Solve: a scenario run to rest, or for a number of rounds, in whole cycles.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sim/world/world.h"

namespace muster::sim {

inline constexpr std::int32_t most_rounds_to_rest = 1000;

struct Solved {
  World world;
  std::int32_t rounds = 0;
  bool at_rest = false;  // a round decided nothing while nothing was being released or backing off
  std::vector<std::pair<std::int32_t, model::Decision>> decisions;  // with the round that made them
  // Of the last round, before the world moved on; jobs that do not wait are left out.
  std::map<std::string, model::Verdict> verdicts;
};

// `rounds` = 0: to rest.
Result<Solved> solve(const Scenario& scenario, std::int32_t rounds);
// The document of `muster sim solve --json`.
json::Value to_json(const Solved& solved);
json::Value to_json(const model::Verdict& verdict);

}  // namespace muster::sim
