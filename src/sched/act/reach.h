#pragma once
// Reach: what follows for a batch from counting devices, before anybody is searched for. Where too few would be free
// even if everybody gave way who may be asked, or where more would have to move than has a place, the answer is no.

#include <functional>
#include <string>
#include <vector>

#include "sched/order/batch.h"
#include "sched/order/lines.h"

namespace muster::sched::act {

// A leaf queue whose jobs may be asked.
struct Giver {
  QueueId leaf;
  QueueId side;           // leaves of one side share one bound
  std::int64_t most = 0;  // thousandths of devices that the side can be made to give up for good
};

// Whether no search can find room. Looks once at everything that the givers' jobs hold.
bool is_out_of_reach(const World& world, const order::Lines& lines, const order::Batch& batch, PoolId pool,
                     const std::vector<Giver>& givers, const std::function<bool(JobId)>& admits);

}  // namespace muster::sched::act
