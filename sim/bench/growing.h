#pragma once
// Growing: the cases of the growth curves, one sort of event each on a cluster of any size with any number of jobs that
// wait: P4, P6 and P8 of the performance plan, and how long `why` takes.

#include <vector>

#include "sim/bench/cases.h"

namespace muster::sim::bench {

const std::vector<Case>& growing_cases();

}  // namespace muster::sim::bench
