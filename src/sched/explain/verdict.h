#pragma once
// Verdict: the one reason why a job waits, found by the tests of interface 7 in their order. Reads the world as it is
// after a round; works nothing out that would change it.

#include <optional>

#include "model/verdict.h"
#include "sched/act/turn.h"

namespace muster::sched::explain {

// nullopt: the job does not wait.
std::optional<model::Verdict> verdict_of(act::Turn& turn, JobId j);

}  // namespace muster::sched::explain
