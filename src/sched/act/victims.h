#pragma once
// Victims: who has to give way so that a batch finds a place. One walk through the jobs in the order in which they give
// way, until the batch fits; then everything that was not needed is given back; what finds another place is only moved;
// the rule that the action stands for judges the rest.

#include <vector>

#include "sched/act/reach.h"
#include "sched/act/turn.h"
#include "sched/order/batch.h"
#include "sched/order/unit.h"

namespace muster::sched::act {

// A unit taken in a search.
struct Taken {
  order::Unit unit;
  std::vector<model::PodState> was;  // of its pods
  bool moved = false;                // all its pods found another place
  model::Resources charge;           // what its queue gets rid of
};

// What an action lets a search do.
class VictimRule {
 public:
  virtual ~VictimRule() = default;
  virtual model::Action action() const = 0;
  // May jobs of this queue be asked? And of these, this one? By what held when the search began.
  virtual bool admits_queue(QueueId leaf) const = 0;
  virtual bool admits_job(JobId victim) const = 0;
  // Thousandths of devices that the queues could be made to give up at most. Any number above `enough` says the same.
  virtual std::int64_t most_gpus(const std::vector<QueueId>& leaves, std::int64_t enough) const = 0;
  // The same by queue, to count with.
  virtual std::vector<Giver> givers(const std::vector<QueueId>& leaves) const = 0;
  // As things stand now, may a queue that was admitted give more?
  virtual bool admits_more(QueueId leaf) const = 0;
  // Only what is above its minimum.
  virtual bool surplus_only(JobId victim) const = 0;
  virtual bool may_move() const = 0;
  // Whom it asks depends on the queues that it admits, not on the job for which it asks.
  virtual bool asks_by_queue() const { return true; }
  // Nobody is evicted for good.
  virtual bool only_moves() const { return false; }
  // Whether a job that needs nobody to give way is placed too.
  virtual bool may_fill() const = 0;
  virtual std::size_t most_pods() const { return SIZE_MAX; }
  // The first of the units, in the order in which they were taken, that may not be taken; none when all may. The
  // world still counts them as running nowhere.
  virtual std::ptrdiff_t first_refused(const std::vector<Taken>& taken) const = 0;
  // Jobs that a refusal rules out for the rest of the search.
  virtual bool shares_fate(JobId refused, JobId other) const = 0;
  // One sentence for the victim's owner.
  virtual std::string message(const Taken& taken) const = 0;
};

// Makes room for the batch of `j` and places it. On false the world is as before.
bool make_room(Turn& turn, JobId j, const order::Batch& batch, const VictimRule& rule);
// The leaf queues of the job's pool that the rule admits and that have anything to give.
std::vector<QueueId> admitted_queues(const Turn& turn, JobId j, const VictimRule& rule);

}  // namespace muster::sched::act
