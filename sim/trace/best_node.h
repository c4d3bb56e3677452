#pragma once
// BestNode: the node with the highest score for a shape, the first in order among equals. A score changes only when its
// node does, so each shape keeps its scores and catches up with the nodes that changed since it was last asked.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/trace/policy.h"

namespace muster::sim::trace {

class BestNode {
 public:
  // Both must outlive it.
  BestNode(const Policy& policy, const std::vector<Seat>& seats);
  std::optional<std::size_t> find(const Shape& shape);
  void changed(std::size_t node);

 private:
  // A tournament over the nodes: leaves hold scores, an inner node the higher of its two, the left one on ties.
  struct Tournament {
    std::vector<std::int64_t> scores;  // heap order, leaves from width_
    std::size_t read = 0;              // of log_
  };
  std::int64_t score(const Shape& shape, std::size_t node) const;
  Tournament build(const Shape& shape) const;
  void catch_up(const Shape& shape, Tournament& tournament);

  const Policy& policy_;
  const std::vector<Seat>& seats_;
  std::size_t width_ = 1;
  std::map<Shape, Tournament> tournaments_;
  std::vector<std::uint32_t> log_;   // nodes in the order in which they changed
  std::vector<std::size_t> latest_;  // node -> 1 + its last place in log_
};

}  // namespace muster::sim::trace
