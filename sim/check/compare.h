#pragma once
// Comparing a world with what a scenario expects. Every difference names the place in the file that said otherwise.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sim/world/world.h"

namespace muster::sim {

struct Difference {
  std::string path;  // JSON pointer of the expectation
  json::Value expected, actual;
  friend bool operator==(const Difference&, const Difference&) = default;
};

// pods, jobs, nodes, sharedGpus, together, verdicts. Invalid when the file names a pod, job, node or queue that is not
// there.
Result<std::vector<Difference>> compare(const Expect& expect, const World& world);
// fairShare: after the first cycle.
Result<std::vector<Difference>> compare_shares(const Expect& expect, const World& world);
// atMost: one cycle's decisions.
std::vector<Difference> compare_counts(const Expect& expect, const sched::Round& round);

}  // namespace muster::sim
