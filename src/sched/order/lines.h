#pragma once
// Lines: the jobs of every leaf queue that wait or that could give way, kept in order from round to round. Waiting jobs
// that ask the same of the same queue form a class, so that one "no" answers for all of them. Only jobs that changed
// are looked at again (refresh).

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sched/state/world.h"

namespace muster::sched::order {

using ClassIndex = std::uint32_t;
inline constexpr ClassIndex no_class = UINT32_MAX;

// A waiting job's place in its queue (product rule 1.6).
struct Standing {
  std::int32_t priority = 0;
  std::int32_t elasticity = 0;
  std::int64_t created = 0;
  JobId job;
};

class ByStanding {
 public:
  ByStanding() = default;  // for empty sets only
  explicit ByStanding(const World& world) : world_(&world) {}
  // Served earlier.
  bool operator()(const Standing& a, const Standing& b) const {
    if (a.priority != b.priority) return a.priority > b.priority;
    if (a.elasticity != b.elasticity) return a.elasticity < b.elasticity;
    if (a.created != b.created) return a.created < b.created;
    if (a.job == b.job) return false;
    return world_->job(a.job).key < world_->job(b.job).key;
  }

 private:
  const World* world_ = nullptr;
};

struct WaitingClass {
  std::string key;
  QueueId leaf;
  std::set<Standing, ByStanding> jobs;
  std::uint64_t generation = 0;  // the row is another class's when this differs
  bool alone = false;            // of one job, whose time or history matters
  std::int32_t told = -1;        // the reason that its jobs were last told
};

struct LeafLine {
  std::vector<ClassIndex> classes;         // that have jobs
  mutable std::int64_t largest = -1;       // thousandths of devices of the largest unit among them; -1: not worked out
  std::set<Standing, ByStanding> holders;  // jobs that hold something and are not non-preemptible; served order
};

class Lines {
 public:
  explicit Lines(World& world) : world_(world) {}

  // Takes in every job that changed. Requires: the world is settled.
  void refresh();

  const LeafLine& leaf(QueueId q) const;
  // Thousandths of devices that the largest of the leaf's holders has.
  std::int64_t largest_holder(QueueId leaf) const;
  const WaitingClass& waiting(ClassIndex c) const { return classes_[c]; }
  WaitingClass& waiting(ClassIndex c) { return classes_[c]; }
  const std::vector<QueueId>& leaves(PoolId pool) const;
  // Jobs whose clock runs: back-off, preemption delay, staleness.
  const std::set<JobId>& timed() const { return timed_; }
  const std::set<JobId>& stale() const { return stale_; }
  // Jobs with several pools that wait and hold nothing.
  const std::set<JobId>& touring() const { return touring_; }
  const std::set<JobId>& claimants() const { return claimants_; }
  // Among the holders of its queue.
  bool holds(JobId j) const { return j.value < entries_.size() && entries_[j.value].holds; }
  std::size_t waiting_count() const { return waiting_count_; }
  // Jobs that changed since this was last asked, each once.
  std::vector<JobId> take_changed();
  // no_class: it does not wait in a line.
  ClassIndex class_of(JobId j) const { return j.value < entries_.size() ? entries_[j.value].klass : no_class; }

 private:
  void take_out(JobId j);
  void put_in(JobId j);
  void enter_class(JobId j, const std::string& needs, bool alone, const Standing& standing, bool core);

  World& world_;
  std::vector<WaitingClass> classes_;
  std::vector<ClassIndex> free_classes_;
  std::unordered_map<std::string, ClassIndex> by_key_;
  std::vector<LeafLine> leaves_;               // by queue id
  std::vector<std::vector<QueueId>> by_pool_;  // leaves that have waiting jobs or holders, by rank
  struct Entry {
    ClassIndex klass = no_class;
    QueueId holding_in;
    std::set<Standing, ByStanding>::iterator waiting_at, holding_at;
    bool holds = false, counted = false, changed = false;
  };
  std::vector<Entry> entries_;  // by job
  std::vector<JobId> changed_;
  std::set<JobId> timed_, stale_, claimants_, touring_;
  std::size_t waiting_count_ = 0;
  std::uint64_t queues_version_ = UINT64_MAX;
};

}  // namespace muster::sched::order
