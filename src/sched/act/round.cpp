#include "sched/act/turn.h"

namespace muster::sched::act {

void run_actions(Turn& turn, std::span<const model::Action> actions) {
  for (model::Action action : actions) {
    turn.in_vain.clear();
    switch (action) {
      case model::Action::Allocate:
        allocate(turn);
        break;
      case model::Action::Consolidate:
        consolidate(turn);
        break;
      case model::Action::Reclaim:
        reclaim(turn);
        break;
      case model::Action::Preempt:
        preempt(turn);
        break;
      case model::Action::StaleGang:
        end_stale_gangs(turn);
        break;
    }
  }
}

}  // namespace muster::sched::act
