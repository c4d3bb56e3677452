#pragma once
// Shortage: which nodes refuse a batch and for want of what, counted, with the best place.

#include <optional>

#include "model/verdict.h"
#include "sched/order/batch.h"

namespace muster::sched::explain {

// Whether no node of the pool admits some pod of the batch, whatever is free; and the verdict that says so.
bool lacks_matching_node(const World& world, const order::Batch& batch, PoolId pool);
std::optional<model::Verdict> no_matching_node(const World& world, const order::Batch& batch, PoolId pool);
// What is free does not hold the batch.
model::Verdict insufficient_resources(const World& world, const order::Batch& batch, PoolId pool);

}  // namespace muster::sched::explain
