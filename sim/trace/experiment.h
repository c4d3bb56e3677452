#pragma once
// Experiment: a cluster filled with pods in random order until more has been asked for than there is. Nobody leaves; a
// pod that finds no node is dropped, yet counts as arrived.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sim/trace/lists.h"
#include "sim/trace/seat.h"

namespace muster::sim::trace {

struct Point {
  std::int32_t arrived = 0;  // whole percent of the cluster's devices that have been asked for
  double allocated = 0;      // percent, mean over the events of this point
  double fragment = 0;       // percent of the cluster's devices
};

struct Curve {
  std::size_t pods = 0;
  std::vector<Point> points;
  // nullptr where nobody has asked for so much.
  const Point* at(std::int32_t arrived) const;
};

// `demand`: what is asked for in all, in parts of the cluster's devices (1.3 = 130 %).
Curve run_experiment(const Lists& lists, const sched::rank::Gradient& gradient, std::string_view policy,
                     std::uint64_t seed, double demand);

}  // namespace muster::sim::trace
