#include "sched/act/turn.h"

namespace muster::sched::act {

bool is_candidate(const Turn& turn, JobId j) {
  const JobRow& job = turn.world.job(j);
  return job.live && job.known && !job.noun.deleted && job.pending > 0 && job.retry_at <= turn.now.ms;
}

}  // namespace muster::sched::act
