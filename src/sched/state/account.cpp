// The changes that a round makes to the world, and the counters that follow them. What a pod adds to each counter is
// said once, in account(); everything else takes a pod out, changes it and puts it back.

#include <algorithm>
#include <bit>

#include "sched/state/world.h"

namespace muster::sched {

using model::PodState;
using model::Preemptibility;
using model::Resources;

void World::account_node(NodeId n, const Shape& shape, std::uint64_t mask, int held, int later, bool stays) {
  NodeRow& row = node(n);
  const std::int32_t free_before = row.free_later;
  bool shared = shape.gpu().is_shared();
  std::int64_t freed = 0;
  for (auto [d, amount] : shape.need) {
    log.add(idle_[n.value * stride_ + d], -held * amount);
    log.add(future_[n.value * stride_ + d], -later * amount);
  }
  const std::int32_t burden = mask == 0 ? 0 : later * (stays ? fixed_burden : whole_burden / std::popcount(mask));
  if (mask != 0) clearings.stir(n);
  for (; mask != 0; mask &= mask - 1) {
    int i = std::countr_zero(mask);
    if (static_cast<std::uint32_t>(i) >= row.device_count) continue;
    DeviceRow& dev = device(n, i);
    log.add(dev.burden, burden);
    std::int32_t share = share_of_device(shape, dev.memory_mib);
    bool was_now = dev.now == 0 && dev.future == 0, was_later = dev.future == 0;
    freed -= std::max(0, dev.capacity - dev.future);
    // A whole device may be told to be held beside a share of it.
    shared = shared || (dev.future > 0 && dev.future < dev.capacity);
    log.add(dev.now, held * share);
    log.add(dev.future, later * share);
    shared = shared || (dev.future > 0 && dev.future < dev.capacity);
    freed += std::max(0, dev.capacity - dev.future);
    if (dev.capacity == 0) continue;
    bool is_now = dev.now == 0 && dev.future == 0, is_later = dev.future == 0;
    log.add(row.free_now, static_cast<int>(is_now) - static_cast<int>(was_now));
    log.add(row.free_later, static_cast<int>(is_later) - static_cast<int>(was_later));
  }
  if (keeps_stamps_) stamp(n);
  // The buckets are filled anew when nodes have changed.
  if (nodes_dirty_ || !row.usable) return;
  PoolRow& owner = pools[row.pool.value];
#ifdef MUSTER_FAULT_STALE_COUNTER
  if (later < 0 && row.free_later == 2) freed = 0;
#endif
  log.add(owner.free_gpu, freed);
  if (row.free_later != free_before)
    owner.by_free.move(log, n, static_cast<std::size_t>(free_before), static_cast<std::size_t>(row.free_later));
  if (!shared) return;
  std::int32_t room = room_of(n);
  if (room == row.room) return;
  auto from = static_cast<std::size_t>(row.room / room_step), to = static_cast<std::size_t>(room / room_step);
  log.set(row.room, room);
  if (from != to) owner.by_room.move(log, n, from, to);
}

void World::stamp(NodeId n) {
  ++stamps_;
  log.set(node(n).stamp, stamps_);
  log.set(block_stamps_[n.value / 64], stamps_);
}

std::int32_t World::room_of(NodeId n) const {
  std::int32_t room = 0;
  for (std::uint32_t i = 0; i < node(n).device_count; ++i) {
    const DeviceRow& d = device(n, static_cast<int>(i));
    if (d.future > 0 && d.future < d.capacity) room = std::max(room, d.capacity - d.future);
  }
  return room;
}

void World::account_terms(PodId p, NodeId n, int held, int later) {
  const PodRow& row = pod(p);
  for (TermId t : row.terms) {
    Term& term = domains[t];
    log.add(term.total_future, later);
    std::int32_t d = domains.of(term.key, n);
    if (d == no_domain) continue;
    log.add(term.now[static_cast<std::size_t>(d)], held);
    log.add(term.future[static_cast<std::size_t>(d)], later);
  }
  if (held == 0)
    for (TermId t : shape(row.shape).affinity) {
      std::int32_t d = domains.of(domains[t].key, n);
      if (d != no_domain) log.add(domains[t].relied[static_cast<std::size_t>(d)], later);
    }
  for (TermId t : shape(row.shape).anti_affinity) {
    Term& term = domains[t];
    std::int32_t d = domains.of(term.key, n);
    if (d == no_domain) continue;
    log.add(term.repels_now[static_cast<std::size_t>(d)], held);
    log.add(term.repels_future[static_cast<std::size_t>(d)], later);
  }
}

void World::charge_queues(QueueId q, Resources QueueRow::* field, const Resources& what, int sign) {
  for (; !q.is_none(); q = queue(q).parent) {
    Resources& cell = queue(q).*field;
    log.add(cell.gpu, sign * what.gpu);
    log.add(cell.cpu, sign * what.cpu);
    log.add(cell.memory, sign * what.memory);
    for (std::size_t i = 0; i < named_resources.size(); ++i) log.add(cell.named[i], sign * what.named[i]);
  }
}

void World::assign(Resources& cell, const Resources& value) {
  for (int r = 0; r < resource_count; ++r) log.set(at(cell, r), at(value, r));
}

std::int64_t World::device_charge(const Shape& shape, NodeId n, std::uint64_t mask) const {
  if (shape.gpu().kind == model::GpuRequest::Kind::Mig) return shape.mig_milli;
  std::int64_t sum = 0;
  for (; mask != 0; mask &= mask - 1) {
    int i = std::countr_zero(mask);
    bool known = static_cast<std::uint32_t>(i) < node(n).device_count;
    sum += share_of_device(shape, known ? device(n, i).memory_mib : 0);
  }
  return sum;
}

Resources World::demand(const Shape& shape, PoolId pool_id) const {
  Resources out{0, shape.constraints.cpu, shape.constraints.memory, shape.named};
  const model::GpuRequest& gpu = shape.gpu();
  if (gpu.kind == model::GpuRequest::Kind::Mig) {
    out.gpu = shape.mig_milli;
  } else if (gpu.kind != model::GpuRequest::Kind::None) {
    std::int64_t mib = pool_id.is_none() ? 0 : pool(pool_id).least_mib;
    out.gpu = static_cast<std::int64_t>(gpu.devices) * share_of_device(shape, mib);
  }
  return out;
}

Resources World::charge(PodId p) const {
  const PodRow& row = pod(p);
  const Shape& s = shape(row.shape);
  bool promised = !row.promised_node.is_none();
  NodeId n = promised ? row.promised_node : row.node;
  std::uint64_t mask = promised ? row.promised_devices : row.devices;
  PoolId pool_id = row.job.is_none() || job(row.job).queue.is_none() ? PoolId{} : queue(job(row.job).queue).pool;
  Resources out = demand(s, pool_id);
  // Where its devices are known, what they really cost.
  if (!n.is_none() && std::popcount(mask) == s.gpu().devices) out.gpu = device_charge(s, n, mask);
  return out;
}

bool World::is_active(PodId p) const {
  const PodRow& row = pod(p);
  return !row.promised_node.is_none() || (model::holds_resources(row.state) && row.state != PodState::Releasing &&
                                          row.state != PodState::StuckInReleasing);
}

void World::account_counts(PodId p, int sign) {
  const PodRow& row = pod(p);
  if (row.job.is_none()) return;
  JobRow& owner = job(row.job);
  mark_changed(row.job);
  bool active = is_active(p);
  bool leaving = !active && model::holds_resources(row.state);
  bool waits = !active && row.state == PodState::Pending;
  if (active) log.add(owner.active, sign);
  if (leaving) log.add(owner.leaving, sign);
  if (waits) log.add(owner.pending, sign);
  if (row.group.is_none()) return;
  GroupRow& g = group(row.group);
  if (active) log.add(g.active, sign);
  if (!row.promised_node.is_none()) log.add(g.promised, sign);
  if (leaving) log.add(g.leaving, sign);
  if (waits) log.add(g.pending, sign);
  if (!active && row.state == PodState::Gated) log.add(g.gated, sign);
  if (!active && row.state == PodState::Succeeded) log.add(g.succeeded, sign);
  if (!active && row.state == PodState::Failed) log.add(g.failed, sign);
}

void World::account_queue(PodId p, int sign) {
  const PodRow& row = pod(p);
  // While the tree of queues is out of date, all charges wait for the recount.
  if (row.job.is_none() || queues_dirty_) return;
  const JobRow& owner = job(row.job);
  if (is_active(p)) {
    if (owner.queue.is_none()) return;
#ifdef MUSTER_FAULT_SKIP_QUEUE_CHARGE
    if (sign > 0 && row.state == PodState::Binding && row.change % 7 == 5) return;
#endif
    Resources what = charge(p);
    charge_queues(owner.queue, &QueueRow::allocated, what, sign);
    if (owner.preemptibility == Preemptibility::NonPreemptible)
      charge_queues(owner.queue, &QueueRow::guarded, what, sign);
  } else if (row.state == PodState::Pending) {
    for (QueueId q : owner.asks)
      if (queue(q).is_leaf()) charge_queues(q, &QueueRow::pending, demand(shape(row.shape), queue(q).pool), sign);
  }
}

void World::account_budgets(PodId p, int sign) {
  const PodRow& row = pod(p);
  if (row.budgets.empty()) return;
  const bool over = row.state == PodState::Succeeded || row.state == PodState::Failed;
  const bool runs =
      model::holds_resources(row.state) && row.state != PodState::Releasing && row.state != PodState::StuckInReleasing;
  if (over || runs) return;
  for (std::uint32_t b : row.budgets) log.add(budgets[b].missing, sign);
}

// A semi-preemptible job guards the first pods of each leaf, up to the leaf's minimum.
void World::refresh_guarded(JobId j) {
  JobRow& row = job(j);
  if (row.preemptibility != Preemptibility::SemiPreemptible) return;
  Resources fresh;
  for (GroupId g : row.groups) {
    // Pods that are taken out of the counters guard nothing.
    if (!group(g).is_leaf() || group(g).active == 0) continue;
    sort_pods(g);
    std::int32_t left = minimum(group(g));
    for (PodId p : group(g).pods) {
      if (left == 0) break;
      if (!is_active(p)) continue;
      fresh += charge(p), --left;
    }
  }
  if (!queues_dirty_ && !row.queue.is_none()) charge_queues(row.queue, &QueueRow::guarded, fresh - row.guarded, 1);
  assign(row.guarded, fresh);
}

void World::account(PodId p, int sign) {
  PodRow& row = pod(p);
  const Shape& s = shape(row.shape);
  if (!row.node.is_none() && model::holds_resources(row.state)) {
    int future = row.state == PodState::Releasing ? 0 : sign;
    const bool stays = row.foreign || (!row.job.is_none() && !job(row.job).preemptible());
    account_node(row.node, s, row.devices, sign, future, stays);
    account_terms(p, row.node, sign, future);
    if (sign > 0) link(&PodRow::held_next, &PodRow::held_prev, &NodeRow::held, p, row.node);
    if (sign < 0) unlink(&PodRow::held_next, &PodRow::held_prev, &NodeRow::held, p, row.node);
    if (row.foreign && node(row.node).usable) {
      PoolRow& owner = pools[node(row.node).pool.value];
      Resources what = demand(s, node(row.node).pool);
      for (int r = 0; r < resource_count; ++r) log.add(at(owner.foreign, r), sign * at(what, r));
    }
  }
  if (!row.promised_node.is_none()) {
    account_node(row.promised_node, s, row.promised_devices, 0, sign, true);
    account_terms(p, row.promised_node, 0, sign);
    if (sign > 0) link(&PodRow::promised_next, &PodRow::promised_prev, &NodeRow::promised, p, row.promised_node);
    if (sign < 0) unlink(&PodRow::promised_next, &PodRow::promised_prev, &NodeRow::promised, p, row.promised_node);
  }
  account_counts(p, sign);
  account_budgets(p, sign);
  account_queue(p, sign);
  if (sign > 0 && !row.job.is_none()) refresh_guarded(row.job);
}

void World::link(PodId PodRow::* next, PodId PodRow::* prev, PodId NodeRow::* head, PodId p, NodeId n) {
  PodId first = node(n).*head;
  log.set(pod(p).*next, first);
  log.set(pod(p).*prev, PodId{});
  if (!first.is_none()) log.set(pod(first).*prev, p);
  log.set(node(n).*head, p);
}

void World::unlink(PodId PodRow::* next, PodId PodRow::* prev, PodId NodeRow::* head, PodId p, NodeId n) {
  PodId after = pod(p).*next, before = pod(p).*prev;
  if (before.is_none()) {
    log.set(node(n).*head, after);
  } else {
    log.set(pod(before).*next, after);
  }
  if (!after.is_none()) log.set(pod(after).*prev, before);
}

void World::touch(PodId p, model::Action why, JobId for_job) {
  PodRow& row = pod(p);
  if (row.touched_round != round_) {
    row.touched_round = round_;
    row.before_state = row.state, row.before_node = row.node, row.before_devices = row.devices;
    touched_.push_back(p);
  }
  log.set(row.change, changes_ + 1);
  log.set(changes_, changes_ + 1);
  log.set(row.action, static_cast<std::uint8_t>(why));
  log.set(row.cause, for_job);
}

void World::bind(PodId p, NodeId n, std::uint64_t mask, model::Action why) {
  PodRow& row = pod(p);
  touch(p, why, JobId{});
  account(p, -1);
  log.set(row.state, PodState::Binding);
  log.set(row.node, n);
  log.set(row.devices, mask);
  log.set(row.promised_node, NodeId{});
  log.set(row.promised_devices, 0);
  account(p, 1);
}

void World::promise(PodId p, NodeId n, std::uint64_t mask, model::Action why, JobId for_job) {
  PodRow& row = pod(p);
  touch(p, why, for_job);
  account(p, -1);
  log.set(row.promised_node, n);
  log.set(row.promised_devices, mask);
  account(p, 1);
}

void World::unpromise(PodId p) {
  PodRow& row = pod(p);
  if (row.promised_node.is_none()) return;
  account(p, -1);
  log.set(row.promised_node, NodeId{});
  log.set(row.promised_devices, 0);
  account(p, 1);
}

void World::unbind(PodId p) {
  PodRow& row = pod(p);
  account(p, -1);
  log.set(row.state, PodState::Pending);
  log.set(row.node, NodeId{});
  log.set(row.devices, 0);
  account(p, 1);
}

void World::evict(PodId p, model::Action why, JobId for_job) {
  PodRow& row = pod(p);
  touch(p, why, for_job);
  account(p, -1);
  log.set(row.state, PodState::Releasing);
  account(p, 1);
}

void World::unevict(PodId p, PodState as) {
  PodRow& row = pod(p);
  account(p, -1);
  log.set(row.state, as);
  account(p, 1);
}

void World::begin_round() {
  CHECK(!log.is_open(), "a round begins on the world itself, not inside a what-if");
  settle();
  ++round_;
  for (PodId p : touched_)
    if (pod(p).live && !pod(p).asked_promised) unpromise(p);
  touched_.clear();
  changes_ = 0;
}

std::vector<JobId> World::take_changed_jobs() {
  for (JobId j : changed_jobs_) job(j).changed = false;
  if (in_trial_) trial_jobs_.insert(trial_jobs_.end(), changed_jobs_.begin(), changed_jobs_.end());
  std::vector<JobId> out;
  out.swap(changed_jobs_);
  return out;
}

std::vector<std::string> World::take_dropped() {
  std::vector<std::string> out;
  out.swap(dropped_);
  return out;
}

World::Trial World::begin_trial() {
  settle();
  Trial trial{log.mark(), touched_, changes_};
  in_trial_ = true;
  ++round_;
  for (PodId p : trial.touched)
    if (pod(p).live && !pod(p).asked_promised) unpromise(p);
  touched_.clear();
  changes_ = 0;
  return trial;
}

void World::end_trial(Trial trial) {
  log.rollback(trial.mark);
  in_trial_ = false;
  for (JobId j : trial_jobs_) mark_changed(j);
  trial_jobs_.clear();
  touched_ = std::move(trial.touched);
  changes_ = trial.changes;
}

void World::set_preemptibility(JobId j, Preemptibility kind) {
  for (PodId p : job(j).pods) account(p, -1);
  if (job(j).preemptibility == Preemptibility::SemiPreemptible) {
    // What it guards is taken out by guarding nothing.
    Resources guarded = job(j).guarded;
    if (!job(j).queue.is_none()) charge_queues(job(j).queue, &QueueRow::guarded, guarded, -1);
    assign(job(j).guarded, {});
  }
  log.set(job(j).preemptibility, kind);
  mark_changed(j);
  for (PodId p : job(j).pods) account(p, 1);
  refresh_guarded(j);
}

void World::set_shape(PodId p, ShapeId s) {
  account(p, -1);
  log.set(pod(p).shape, s);
  account(p, 1);
}

std::int32_t World::minimum(const GroupRow& g) const {
  if (g.is_leaf()) return g.min_member ? *g.min_member : static_cast<std::int32_t>(g.pods.size());
  return g.min_sub_group ? *g.min_sub_group : static_cast<std::int32_t>(g.children.size());
}

bool World::is_satisfied(GroupId g) const {
  const GroupRow& row = group(g);
  if (row.is_leaf()) return row.active >= minimum(row);
  std::int32_t have = 0;
  for (GroupId child : row.children) have += is_satisfied(child) ? 1 : 0;
  return have >= minimum(row);
}

void World::sort_pods(GroupId g) {
  GroupRow& row = group(g);
  if (row.sorted) return;
  std::sort(row.pods.begin(), row.pods.end(), [&](PodId a, PodId b) {
    const PodRow &x = pod(a), &y = pod(b);
    if (x.order != y.order) return x.order > y.order;
    if (x.created != y.created) return x.created < y.created;
    return x.name < y.name;
  });
  row.sorted = true;
}

}  // namespace muster::sched
