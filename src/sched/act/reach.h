#pragma once
// Reach: what follows for a batch from counting devices, before anybody is searched for. Where too few would be free
// even if everybody gave way who may be asked, or where more must go for good than the rule allows, the answer is no.

#include <functional>
#include <string>
#include <vector>

#include "sched/order/batch.h"
#include "sched/order/lines.h"

namespace muster::sched::act {

struct Reach {
  bool none = false;         // not even if everybody left
  std::int64_t leaving = 0;  // thousandths of devices that must at least be given up by jobs that find no other place
};

// Looks once at everything that the leaves' jobs hold.
Reach reach_of(const World& world, const order::Lines& lines, const order::Batch& batch, PoolId pool,
               const std::vector<QueueId>& leaves, const std::function<bool(JobId)>& admits);

// The question as bytes: equal exactly when the answer is, for the same `admits` and the same world.
std::string reach_key(const World& world, const order::Batch& batch, const std::vector<QueueId>& leaves);

}  // namespace muster::sched::act
