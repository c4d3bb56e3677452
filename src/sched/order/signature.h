#pragma once
// Signature: what a batch needs, as bytes that are equal exactly for batches that fit or do not fit together.

#include <string>

#include "sched/order/batch.h"

namespace muster::sched::order {

// "" when it cannot be compared with others: its gang already sits somewhere, or other pods' terms speak of it.
std::string signature(const World& world, JobId j, const Batch& batch);

}  // namespace muster::sched::order
