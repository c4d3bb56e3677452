#pragma once
// Remedy: the smallest changes, each by itself, that would start a waiting job now. Every one is tried on the world
// before it is said: applied it starts the job, half of it does not.

#include <vector>

#include "model/verdict.h"
#include "sched/order/lines.h"

namespace muster::sched::explain {

std::vector<model::Remedy> remedies(World& world, order::Lines& lines, JobId j, const model::Verdict& verdict,
                                    Time now);

}  // namespace muster::sched::explain
