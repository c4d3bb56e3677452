#pragma once
// Running one scenario: one action, or whole cycles with the world moving on between them, and the comparisons that the
// file asks for.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sim/check/compare.h"
#include "sim/scenario/scenario.h"

namespace muster::sim {

struct Outcome {
  enum class Result { Pass, Fail, Error } result = Result::Pass;
  std::string name;
  std::vector<Difference> differences;  // of the first comparison that fails
  std::int32_t rounds = 0;              // that were run
  std::int64_t micros = 0;              // the engine was at work
  std::string error;                    // Result::Error
  std::string before, after;            // pictures of the cluster; only where `draw` was asked for and it failed
};

Outcome run_scenario(const Scenario& scenario, const Clock& clock, bool draw);

}  // namespace muster::sim
