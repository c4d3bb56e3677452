#include "sched/order/lines.h"

#include <algorithm>

#include "sched/order/batch.h"
#include "sched/order/signature.h"
#include "sched/order/staleness.h"

namespace muster::sched::order {

namespace {
const LeafLine nobody;
}

const LeafLine& Lines::leaf(QueueId q) const { return q.value < leaves_.size() ? leaves_[q.value] : nobody; }

const std::vector<QueueId>& Lines::leaves(PoolId pool) const {
  static const std::vector<QueueId> none;
  return pool.value < by_pool_.size() ? by_pool_[pool.value] : none;
}

std::int64_t Lines::largest_holder(QueueId q) const {
  const LeafLine& line = leaf(q);
  if (line.largest >= 0) return line.largest;
  line.largest = 0;
  for (const Standing& s : line.holders) {
    std::int64_t has = 0;
    for (PodId p : world_.job(s.job).pods)
      if (world_.is_active(p)) has += world_.charge(p).gpu;
    line.largest = std::max(line.largest, has);
  }
  return line.largest;
}

void Lines::refresh() {
  if (queues_version_ != world_.queues_version) {
    queues_version_ = world_.queues_version;
    by_pool_.assign(world_.pools.size(), {});
    std::vector<QueueId> order;
    for (std::uint32_t i = 0; i < world_.queues.size(); ++i) {
      const QueueRow& q = world_.queues[i];
      if (q.live && q.rooted && q.is_leaf()) order.push_back(QueueId{i});
    }
    std::sort(order.begin(), order.end(),
              [&](QueueId a, QueueId b) { return world_.queue(a).rank < world_.queue(b).rank; });
    for (QueueId q : order) by_pool_[world_.queue(q).pool.value].push_back(q);
  }
  std::vector<JobId> changed = world_.take_changed_jobs();
  if (changed.empty()) return;
  if (entries_.size() < world_.jobs.size()) entries_.resize(world_.jobs.size());
  while (leaves_.size() < world_.queues.size())
    leaves_.push_back({{}, -1, std::set<Standing, ByStanding>(ByStanding(world_))});
  // Out with all of them first: what is left in the lines compares by names that still stand.
  for (JobId j : changed) take_out(j);
  for (JobId j : changed) {
    put_in(j);
    Entry& e = entries_[j.value];
    if (!e.changed) e.changed = true, changed_.push_back(j);
  }
}

std::vector<JobId> Lines::take_changed() {
  for (JobId j : changed_) entries_[j.value].changed = false;
  std::vector<JobId> out;
  out.swap(changed_);
  return out;
}

void Lines::take_out(JobId j) {
  Entry& e = entries_[j.value];
  if (e.klass != no_class) {
    WaitingClass& c = classes_[e.klass];
    c.jobs.erase(e.waiting_at);
    if (c.jobs.empty()) {
      auto& list = leaves_[c.leaf.value].classes;
      list.erase(std::find(list.begin(), list.end(), e.klass));
      by_key_.erase(c.key);
      free_classes_.push_back(e.klass);
    }
    e.klass = no_class;
  }
  if (e.holds) {
    leaves_[e.holding_in.value].holders.erase(e.holding_at);
    leaves_[e.holding_in.value].largest = -1;
    e.holds = false;
  }
  if (e.counted) --waiting_count_, e.counted = false;
  timed_.erase(j), stale_.erase(j), claimants_.erase(j), touring_.erase(j);
}

void Lines::put_in(JobId j) {
  const JobRow& job = world_.job(j);
  if (!job.live || !job.known) return;
  if (is_stale(world_, j) || job.stale_since != 0) stale_.insert(j);
  bool waits = job.pending > 0;
  bool clock = job.retry_at > 0 || job.noun.preemption_delay.ms > 0;
  if ((waits && clock) || job.stale_since != 0) timed_.insert(j);
  if (waits) ++waiting_count_, entries_[j.value].counted = true;
  if (waits && job.active == 0 && job.has_choice()) touring_.insert(j);
  if (job.queue.is_none() || job.noun.deleted || !world_.queue(job.queue).is_leaf()) return;
  Entry& e = entries_[j.value];
  std::int32_t elastic = elasticity(world_, j);
  Standing standing{job.noun.priority, elastic, job.noun.created.ms, j};
  if (job.active > 0 && job.preemptible()) {
    e.holding_in = job.queue;
    e.holding_at = leaves_[job.queue.value].holders.insert(standing).first;
    leaves_[job.queue.value].largest = -1;
    e.holds = true;
  }
  if (!waits) return;
  Batch batch = next_batch(world_, j);
  if (batch.empty()) return;
  if (job.claims) claimants_.insert(j);
  std::string needs = signature(world_, j, batch);
  bool alone = needs.empty() || clock || job.claims || job.noun.pools.size() > 1;
  enter_class(j, needs, alone, standing, batch.core);
}

void Lines::enter_class(JobId j, const std::string& needs, bool alone, const Standing& standing, bool core) {
  const JobRow& job = world_.job(j);
  std::string key;
  auto put = [&](std::uint32_t n) { key.append(reinterpret_cast<const char*>(&n), sizeof n); };
  put(job.queue.value), put(static_cast<std::uint32_t>(job.noun.priority)),
      put(static_cast<std::uint32_t>(standing.elasticity));
  put(static_cast<std::uint32_t>(job.preemptibility)), put(core ? 1 : 0);
  key += alone ? job.key : needs;
  auto [it, fresh] = by_key_.emplace(key, no_class);
  if (fresh) {
    if (free_classes_.empty()) {
      it->second = static_cast<ClassIndex>(classes_.size());
      classes_.push_back({{}, {}, std::set<Standing, ByStanding>(ByStanding(world_)), 0, false, -1});
    } else {
      it->second = free_classes_.back();
      free_classes_.pop_back();
    }
    WaitingClass& c = classes_[it->second];
    c.key = key, c.leaf = job.queue, c.alone = alone, c.told = -1, ++c.generation;
    leaves_[job.queue.value].classes.push_back(it->second);
  }
  Entry& e = entries_[j.value];
  e.klass = it->second;
  e.waiting_at = classes_[it->second].jobs.insert(standing).first;
}

}  // namespace muster::sched::order
