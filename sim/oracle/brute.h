#pragma once
// Brute force: answers for small worlds by trying everything, to hold against the engine's. Slow and simple on purpose;
// knows whole devices and shares of devices, nothing else.

#include <cstdint>
#include <string>
#include <vector>

namespace muster::sim::oracle {

// Free thousandths of each device, by node.
using Free = std::vector<std::vector<std::int32_t>>;

struct Ask {
  std::int32_t devices = 1;   // of one node, all different
  std::int32_t milli = 1000;  // of each
};

// Whether all of them find a place at once.
bool can_place(Free free, std::vector<Ask> pods);

// A queue as the division sees it; amounts in the smallest unit of the resource, -1 = unlimited.
struct Claimant {
  std::int64_t quota = 0, limit = -1, weight = 0, request = 0;
  std::int64_t priority = 100, usage = 0;  // usage: thousandths of the cluster
  std::int64_t created = 0;                // older = smaller
};

// Fair shares by product rule 1.4, with exact fractions, handed out in multiples of `unit`. `k` in thousandths.
std::vector<std::int64_t> divide(std::int64_t total, std::int64_t unit, const std::vector<Claimant>& claimants,
                                 std::int64_t k);

}  // namespace muster::sim::oracle
