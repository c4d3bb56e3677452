#pragma once
// Comparing a world with what a scenario expects. Every difference names the place in the file that said otherwise.

#include <map>
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

// What the engine said of the jobs whose verdict is expected, by their keys; no entry: the job does not wait.
using Verdicts = std::map<std::string, model::Verdict>;
// Right after a cycle's decisions: a verdict is about the world in which it was reached.
Result<Verdicts> verdicts_of(const Expect& expect, const World& world);

// pods, jobs, nodes, sharedGpus, together, verdicts. Invalid when the file names a pod, job, node or queue that is not
// there.
Result<std::vector<Difference>> compare(const Expect& expect, const World& world, const Verdicts& verdicts);
// fairShare: after the first cycle.
Result<std::vector<Difference>> compare_shares(const Expect& expect, const World& world);
// atMost: one cycle's decisions.
std::vector<Difference> compare_counts(const Expect& expect, const sched::Round& round);

}  // namespace muster::sim
