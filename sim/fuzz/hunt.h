#pragma once
// Hunt: one world driven through its steps and to rest, everything checked after each; and the smallest world in which
// a finding still shows.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/scenario/document.h"

namespace muster::sim::fuzz {

struct Hunt {
  std::uint64_t steps = 0;  // changes that the engine was told, and rounds
  // What is wrong, beginning with its kind: "capacity: device 0 of node n1 ..."; "" when nothing is.
  std::string finding;
  std::int32_t round = 0;  // that shows it
  // Still takes back and forth long after the last change. Known of the engine, so counted and not a finding.
  bool is_restless = false;
};

Hunt hunt(const document::Scenario& world);

// Takes away jobs, nodes, queues, pods and steps as long as a finding of the same kind shows.
document::Scenario minimise(const document::Scenario& world, const Hunt& found);

}  // namespace muster::sim::fuzz
