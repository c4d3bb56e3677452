#pragma once
// Policy: which node, and which devices of it, a pod gets. Every feasible node has a score; the highest wins, among
// equals the node that stands first in the run's order. A better strategy is one more row in
// policy.cpp.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/random/random.h"
#include "sim/trace/seat.h"

namespace muster::sim::trace {

// Which devices of the node, as a mask.
using Devices = std::uint32_t;

class Policy {
 public:
  virtual ~Policy() = default;
  // Higher is better. Requires: the pod fits.
  virtual std::int64_t score(const Seat& seat, const Shape& shape) const = 0;
  // Requires: the pod fits.
  virtual Devices devices(const Seat& seat, const Shape& shape, Random& random) const = 0;
  // Any feasible node, each with the same chance, instead of the best.
  virtual bool takes_any_node() const { return false; }
};

bool fits(const Room& room, const Shape& shape);
std::uint32_t kind_of(const Shape& shape);

// random, dotprod, gpuclustering, gpupacking, bestfit, fgd, muster; nullptr for another name. `gradient`
// must outlive it.
std::unique_ptr<Policy> make_policy(std::string_view name, const sched::rank::Gradient& gradient);
const std::vector<std::string>& policy_names();

}  // namespace muster::sim::trace
