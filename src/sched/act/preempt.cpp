#include "sched/act/turn.h"

namespace muster::sched::act {

void preempt(Turn& turn) { (void)turn; }

}  // namespace muster::sched::act
