#include "sched/act/turn.h"

namespace muster::sched::act {

void consolidate(Turn& turn) { (void)turn; }

}  // namespace muster::sched::act
