#pragma once
// Verdict: the one reason why a job waits, found by the tests of interface 7 in their order. The reason alone costs
// little; its numbers and sentence are worked out when somebody is told.

#include <optional>

#include "model/verdict.h"
#include "sched/act/turn.h"

namespace muster::sched::explain {

// nullopt: the job does not wait.
std::optional<model::Reason> reason_of(act::Turn& turn, JobId j);
std::optional<model::Verdict> verdict_of(act::Turn& turn, JobId j);

}  // namespace muster::sched::explain
