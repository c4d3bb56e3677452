#include "sched/act/turn.h"

namespace muster::sched::act {

void reclaim(Turn& turn) { (void)turn; }

}  // namespace muster::sched::act
