#pragma once
// Division of one amount among sibling queues (product rule 1.4): quota first, then the surplus by priority and weight
// in rounds of whole units, then what was cut off. A pure function of numbers; exact integers.

#include <cstdint>
#include <span>
#include <vector>

namespace muster::sched::share {

struct Claim {
  std::int64_t quota = 0;        // `unlimited`: the whole total
  std::int64_t requestable = 0;  // min(request, limit)
  std::int64_t weight = 0;       // thousandths
  std::int64_t usage = 0;        // history: used share of the cluster, thousandths
  std::int32_t priority = 100;
  std::uint32_t rank = 0;  // place by age, then name
};

// `unit`: the smallest amount given while weights divide (one GPU; 1 for CPU and memory). `k`: weight of the history in
// thousandths. Shares in the order of the claims.
std::vector<std::int64_t> divide(std::int64_t total, std::int64_t unit, std::int64_t k, std::span<const Claim> claims);

}  // namespace muster::sched::share
