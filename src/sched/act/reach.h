#pragma once
// Reach: a certain "no" by counting devices. Where the pods of a batch would not find enough of them even if everybody
// gave way who may be asked, no search is needed.

#include <functional>
#include <vector>

#include "sched/order/batch.h"
#include "sched/order/lines.h"

namespace muster::sched::act {

// Looks at everything that the leaves' jobs hold, once. As the world is now: who has left already counts as free.
bool is_out_of_reach(const World& world, const order::Lines& lines, const order::Batch& batch, PoolId pool,
                     const std::vector<QueueId>& leaves, const std::function<bool(JobId)>& admits);

// The question as bytes: equal exactly when the answer is, for the same `admits` and the same world.
std::string reach_key(const World& world, const order::Batch& batch, const std::vector<QueueId>& leaves);

}  // namespace muster::sched::act
