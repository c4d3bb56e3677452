#include "sched/engine.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include <fmt/core.h>

#include "base/check.h"
#include "sched/act/turn.h"
#include "sched/explain/remedy.h"
#include "sched/explain/verdict.h"
#include "sched/order/batch.h"
#include "sched/order/lines.h"
#include "sched/share/fair_share.h"
#include "sched/state/world.h"

namespace muster::sched {

using model::Action;
using model::Decision;
using model::PodState;
using model::Verdict;

struct Engine::Inside {
  explicit Inside(Config config) : world(std::move(config)), lines(world) {}

  World world;
  order::Lines lines;
  std::uint64_t round = 0;
  std::uint64_t divided_at = UINT64_MAX;   // version of the shares as they stand
  std::uint64_t deltas = 0;                // told so far
  std::vector<JobId> claimed;              // jobs that the last round nominated
  std::map<std::string, Verdict> asked;    // verdicts worked out since the last round
  std::map<std::string, Verdict> at_home;  // of jobs that tour their pools: what holds in the first

  void divide() {
    world.settle();
    if (divided_at == world.shares_version) return;
    share::divide_all(world);
    divided_at = world.shares_version;
  }
  act::Turn turn(Time now) { return {world, lines, now, {}}; }
  Round act(const std::vector<Action>& actions, Time now);
  template <class See>
  void rehearse(Time now, See see);
  Plan plan_of(JobId j, Time now);
  std::map<std::string, QueueUse> uses() const;
  // `commit`: what follows from decisions outside of the counters is written down too.
  void collect_decisions(Round& round, bool commit);
  Decision decision_of(PodId p, Decision::Kind kind) const;
  // Whether it holds something that it did not get in this round.
  bool ran_before(JobId j) const {
    const auto& pods = world.job(j).pods;
    return std::any_of(pods.begin(), pods.end(), [&](PodId p) {
      return world.is_active(p) && world.pod(p).promised_node.is_none() && !world.placed_this_round(p);
    });
  }
  void keep_claims();
  bool tour_pools(Time now);
  void tell_verdicts(act::Turn& turn, Round& round);
  // Jobs of one class wait for the same reason; it is worked out once in a round, its numbers where they are told.
  struct Told {
    std::optional<model::Reason> reason;
    std::optional<Verdict> verdict;
  };
  using ToldByClass = std::unordered_map<order::ClassIndex, Told>;
  void tell(act::Turn& turn, Round& round, JobId j, ToldByClass& told);
  bool is_told(act::Turn& turn, JobId j, ToldByClass& told);
  std::optional<Verdict> verdict_like(act::Turn& turn, JobId j, ToldByClass& told);
  // As others of its class: its verdict is theirs.
  bool is_one_of_many(JobId j) const;
  std::optional<Time> next_wake(Time now) const;
  std::int64_t next_end_of_guarantee(Time now) const;
};

Engine::Engine(Config config) : inside_(std::make_unique<Inside>(std::move(config))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Result<void> Engine::apply(const Delta& delta) {
  World& w = inside_->world;
  struct Apply {
    World& w;
    Result<void> operator()(const SetConfig& d) { return w.set_config(d.config), Result<void>{}; }
    Result<void> operator()(const UpsertQueue& d) { return w.upsert(d.queue); }
    Result<void> operator()(const RemoveQueue& d) { return w.remove_queue(d.name), Result<void>{}; }
    Result<void> operator()(const UpsertNode& d) { return w.upsert(d.node); }
    Result<void> operator()(const RemoveNode& d) { return w.remove_node(d.name), Result<void>{}; }
    Result<void> operator()(const UpsertGang& d) { return w.upsert(d.gang); }
    Result<void> operator()(const RemoveGang& d) { return w.remove_gang(d.ns + "/" + d.name), Result<void>{}; }
    Result<void> operator()(const UpsertPod& d) { return w.upsert(d.pod); }
    Result<void> operator()(const RemovePod& d) { return w.remove_pod(d.ns, d.name), Result<void>{}; }
    Result<void> operator()(const BindFailed& d) { return w.fail_bind(d.ns, d.pod, d.reason); }
  };
  ++inside_->deltas;
  inside_->asked.clear();
  return std::visit(Apply{w}, delta);
}

Round Engine::run(Time now) { return inside_->act(inside_->world.config.actions, now); }
Round Engine::run_action(Action action, Time now) { return inside_->act({action}, now); }

Round Engine::Inside::act(const std::vector<Action>& actions, Time now) {
  Round out;
  out.number = ++round;
  world.now = now;
  world.begin_round();
  divided_at = UINT64_MAX;
  divide();
  asked.clear();
  act::Turn turn_now = turn(now);
  act::run_actions(turn_now, actions);
  collect_decisions(out, true);
  keep_claims();
  tell_verdicts(turn_now, out);
  out.wake_at = tour_pools(now) ? Time{now.ms + 1} : next_wake(now);
  return out;
}

Decision Engine::Inside::decision_of(PodId p, Decision::Kind kind) const {
  const PodRow& pod = world.pod(p);
  Decision d;
  d.kind = kind;
  d.ns = pod.ns, d.pod = pod.name;
  bool promised = kind == Decision::Kind::Nominate;
  NodeId n = promised ? pod.promised_node : pod.node;
  d.node = n.is_none() ? pod.node_name : world.node(n).noun->name;
  std::uint64_t mask = promised ? pod.promised_devices : pod.devices;
  if (kind != Decision::Kind::Evict) d.devices = world.device_shares(world.shape(pod.shape), n, mask);
  d.action = static_cast<Action>(pod.action);
  if (!pod.cause.is_none()) d.for_gang = world.job(pod.cause).key;
  if (kind == Decision::Kind::Evict) d.message = world.job(pod.job).evict_message;
  return d;
}

void Engine::Inside::collect_decisions(Round& out, bool commit) {
  std::vector<PodId> changed;
  for (PodId p : world.touched()) {
    const PodRow& pod = world.pod(p);
    if (pod.state != pod.before_state || !pod.promised_node.is_none()) changed.push_back(p);
  }
  std::sort(changed.begin(), changed.end(),
            [&](PodId a, PodId b) { return world.pod(a).change < world.pod(b).change; });
  for (PodId p : changed) {
    PodRow& pod = world.pod(p);
    if (pod.state == PodState::Binding && pod.before_state == PodState::Pending) {
      out.decisions.push_back(decision_of(p, Decision::Kind::Bind));
      if (commit) pod.node_name = world.node(pod.node).noun->name;
      if (commit && !ran_before(pod.job)) world.job(pod.job).last_start = world.now.ms;
    }
    if (pod.state == PodState::Releasing && pod.before_state != PodState::Releasing) {
      out.decisions.push_back(decision_of(p, Decision::Kind::Evict));
      if (commit) world.job(pod.job).last_evicted = world.now.ms;
    }
    if (!pod.promised_node.is_none()) out.decisions.push_back(decision_of(p, Decision::Kind::Nominate));
  }
}

// Nominations are remembered by what was nominated, so that the next round can keep them.
void Engine::Inside::keep_claims() {
  std::vector<JobId> suspects = std::move(claimed);
  claimed.clear();
  for (PodId p : world.touched())
    if (!world.pod(p).promised_node.is_none()) suspects.push_back(world.pod(p).job);
  std::sort(suspects.begin(), suspects.end());
  suspects.erase(std::unique(suspects.begin(), suspects.end()), suspects.end());
  for (JobId j : suspects) {
    JobRow& job = world.job(j);
    bool has = false;
    for (PodId p : job.pods) {
      PodRow& pod = world.pod(p);
      bool own = pod.state == PodState::Pending && !pod.promised_node.is_none() && !pod.asked_promised;
      pod.claim = own ? pod.promised_node : NodeId{};
      pod.claim_devices = own ? pod.promised_devices : 0;
      has = has || own;
    }
    if (has && !job.claims) job.claimed_at = world.now.ms;
    if (has != job.claims) world.mark_changed(j);
    job.claims = has;
    if (has) claimed.push_back(j);
  }
}

// A job that found no place in its pool goes to the next of its list (product rule 1.12.10). Whether one has pools left
// to try since something was last told, so that the next round should come at once.
bool Engine::Inside::tour_pools(Time now) {
  bool soon = false;
  std::vector<JobId> touring(lines.touring().begin(), lines.touring().end());
  for (JobId j : touring) {
    JobRow& job = world.job(j);
    if (!job.live || job.noun.deleted || job.active > 0 || job.retry_at > now.ms) continue;
    if (order::next_batch(world, j).empty()) continue;
    if (job.pool_turn == 0) job.tour_began = deltas;
    world.next_pool(j);
    soon = soon || job.pool_turn != 0 || job.tour_began != deltas;
  }
  return soon;
}

namespace {

std::uint64_t state_of(const Verdict& v) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  auto put = [&](std::string_view text) {
    for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    h *= 0x9e3779b97f4a7c15ULL;
  };
  put(v.queue), put(v.resource), put(v.message);
  return h ^ static_cast<std::uint64_t>(v.reason);
}

// Beyond so many waiting gangs only a changed reason is told; the numbers are read when somebody asks.
constexpr std::size_t told_in_full = 1000;

// Reasons whose numbers cost nothing to work out.
bool is_counted(std::int32_t told) {
  return told == static_cast<std::int32_t>(model::Reason::OverLimit) ||
         told == static_cast<std::int32_t>(model::Reason::NonPreemptibleOverQuota) ||
         told == static_cast<std::int32_t>(model::Reason::ReclaimNotAllowed);
}

}  // namespace

bool Engine::Inside::is_one_of_many(JobId j) const {
  const order::ClassIndex c = lines.class_of(j);
  if (c == order::no_class || lines.waiting(c).alone) return false;
  const auto& groups = world.job(j).groups;
  return std::all_of(groups.begin(), groups.end(),
                     [&](GroupId g) { return world.group(g).gated == 0 && world.group(g).promised == 0; });
}

std::optional<Verdict> Engine::Inside::verdict_like(act::Turn& turn_now, JobId j, ToldByClass& told) {
  if (!is_one_of_many(j)) return explain::verdict_of(turn_now, j);
  Told& known = told[lines.class_of(j)];
  if (!known.verdict) known.verdict = explain::verdict_of(turn_now, j);
  return known.verdict;
}

// Whether the job was told the reason that holds.
bool Engine::Inside::is_told(act::Turn& turn_now, JobId j, ToldByClass& told) {
  if (world.job(j).told < 0 || !is_one_of_many(j)) return false;
  Told& known = told[lines.class_of(j)];
  if (!known.reason) known.reason = known.verdict ? known.verdict->reason : explain::reason_of(turn_now, j);
  return known.reason && static_cast<std::int32_t>(*known.reason) == world.job(j).told;
}

void Engine::Inside::tell(act::Turn& turn_now, Round& out, JobId j, ToldByClass& told) {
  JobRow& job = world.job(j);
  auto v = verdict_like(turn_now, j, told);
  if (!v) {
    if (job.told >= 0) out.verdicts.emplace_back(job.key, std::nullopt);
    job.told = -1;
    at_home.erase(job.key);
    return;
  }
  // While it tours its pools, what holds in the first stands.
  if (job.has_choice() && job.pool_turn != 0 && job.active == 0 && job.told >= 0) return;
  auto reason = static_cast<std::int32_t>(v->reason);
  if (job.told != reason) job.told_since = turn_now.now.ms;
  v->since = Time{job.told_since};
  if (job.has_choice()) at_home[job.key] = *v;
  std::uint64_t state = state_of(*v);
  if (job.told == reason && job.told_state == state) return;
  job.told = reason, job.told_state = state;
  out.verdicts.emplace_back(job.key, std::move(*v));
}

// Who changed is told anew; the rest of a class when its reason is another one.
void Engine::Inside::tell_verdicts(act::Turn& turn_now, Round& out) {
  lines.refresh();
  for (auto& key : world.take_dropped()) at_home.erase(key), out.verdicts.emplace_back(std::move(key), std::nullopt);
  ToldByClass told;
  const bool in_full = lines.waiting_count() <= told_in_full;
  for (JobId j : lines.take_changed())
    if (world.job(j).live && (in_full || !is_told(turn_now, j, told))) tell(turn_now, out, j, told);
  for (std::uint32_t p = 0; p < world.pools.size(); ++p) {
    for (QueueId q : lines.leaves(PoolId{p})) {
      for (order::ClassIndex c : lines.leaf(q).classes) {
        order::WaitingClass& klass = lines.waiting(c);
        auto reason = explain::reason_of(turn_now, klass.jobs.begin()->job);
        std::int32_t fresh = reason ? static_cast<std::int32_t>(*reason) : -1;
        if (fresh == klass.told && !(in_full && is_counted(fresh))) continue;
        klass.told = fresh;
        for (const auto& standing : klass.jobs) tell(turn_now, out, standing.job, told);
      }
    }
  }
  std::sort(out.verdicts.begin(), out.verdicts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
}

std::optional<Time> Engine::Inside::next_wake(Time now) const {
  std::int64_t at = INT64_MAX;
  auto want = [&](std::int64_t ms) {
    if (ms > now.ms) at = std::min(at, ms);
  };
  for (JobId j : lines.timed()) {
    const JobRow& job = world.job(j);
    if (job.pending > 0) {
      want(job.retry_at);
      if (job.noun.preemption_delay.ms > 0)
        want(std::max(job.noun.created.ms, job.last_evicted) + job.noun.preemption_delay.ms);
    }
    if (job.stale_since != 0) {
      Duration grace = act::grace_of(world, j);
      if (grace.ms >= 0) want(job.stale_since + grace.ms);
    }
  }
  if (lines.waiting_count() > 0) want(next_end_of_guarantee(now));
  if (at == INT64_MAX) return std::nullopt;
  return Time{at};
}

// When the first running job loses its guaranteed runtime, by the longest guarantee that anybody gives.
std::int64_t Engine::Inside::next_end_of_guarantee(Time now) const {
  std::vector<std::int64_t> spans = {world.config.preempt_min_runtime.ms, world.config.reclaim_min_runtime.ms,
                                     world.config.consolidation_min_runtime.ms};
  for (const auto& q : world.queues) {
    if (!q.live) continue;
    spans.push_back(q.noun.preempt_min_runtime.value_or(Duration{}).ms);
    spans.push_back(q.noun.reclaim_min_runtime.value_or(Duration{}).ms);
  }
  std::sort(spans.begin(), spans.end());
  spans.erase(std::unique(spans.begin(), spans.end()), spans.end());
  std::int64_t first = INT64_MAX;
  if (spans.back() <= 0) return first;
  for (const auto& job : world.jobs) {
    if (!job.live || job.active == 0 || job.last_start == 0) continue;
    for (std::int64_t span : spans)
      if (span > 0 && job.last_start + span > now.ms) first = std::min(first, job.last_start + span);
  }
  return first;
}

const Verdict* Engine::verdict(const std::string& gang) const {
  Inside& in = *inside_;
  auto known = in.asked.find(gang);
  if (known != in.asked.end()) return &known->second;
  JobId j = in.world.find_job(gang);
  if (j.is_none() || in.world.job(j).told < 0) return nullptr;
  auto home = in.at_home.find(gang);
  if (home != in.at_home.end() && in.world.job(j).pool_turn != 0 && in.world.job(j).active == 0) return &home->second;
  in.divide();
  in.lines.refresh();
  act::Turn turn_now = in.turn(in.world.now);
  auto v = explain::verdict_of(turn_now, j);
  if (!v) return nullptr;
  v->since = Time{in.world.job(j).told_since};
  return &in.asked.emplace(gang, std::move(*v)).first->second;
}

std::optional<Verdict> Engine::why(const std::string& gang, Time now) const {
  const Verdict* known = verdict(gang);
  if (known == nullptr) return std::nullopt;
  Verdict out = *known;
  World& w = inside_->world;
  JobId j = w.find_job(gang);
  if (!j.is_none()) out.remedy = explain::remedies(w, inside_->lines, j, out, now);
  inside_->divided_at = UINT64_MAX;
  return out;
}

Result<Plan> Engine::plan(const model::Gang& gang, const std::vector<model::Pod>& pods, Time now) const {
  World& w = inside_->world;
  std::string key = gang.ns + "/" + gang.name;
  JobId existing = w.find_job(key);
  if (!existing.is_none() && w.job(existing).known)
    return conflict(fmt::format("planning \"{}\": a workload of that name exists", key));
  for (const auto& p : pods)
    if (!w.find_pod(p.ns, p.name).is_none())
      return conflict(fmt::format("planning \"{}\": a pod \"{}\" exists", key, p.name));
  Result<void> taken = w.upsert(gang);
  for (const auto& p : pods)
    if (taken.has_value()) taken = w.upsert(p);
  Plan out;
  for (std::size_t turn = 0; taken.has_value() && turn < std::max<std::size_t>(1, gang.pools.size()); ++turn) {
    JobId j = w.find_job(key);
    Plan here = inside_->plan_of(j, now);
    if (turn == 0 || here.starts_now) out = std::move(here);
    if (out.starts_now || w.job(j).active > 0) break;
    w.next_pool(j);
  }
  for (const auto& p : pods) w.remove_pod(p.ns, p.name);
  w.remove_gang(key);
  inside_->divide();
  if (!taken.has_value()) return taken.error();
  return out;
}

// A round on the world as it is, looked at by `see(turn, round)` and taken back.
template <class See>
void Engine::Inside::rehearse(Time now, See see) {
  auto trial = world.begin_trial();
  share::divide_all(world);
  act::Turn turn_now = turn(now);
  act::run_actions(turn_now, world.config.actions);
  Round whole;
  collect_decisions(whole, false);
  see(turn_now, whole);
  world.end_trial(std::move(trial));
  divided_at = UINT64_MAX;
}

// What a round would do for the one job.
Plan Engine::Inside::plan_of(JobId j, Time now) {
  Plan out;
  rehearse(now, [&](act::Turn& turn_now, Round& whole) {
    const JobRow& job = world.job(j);
    for (auto& d : whole.decisions) {
      bool own = d.ns == job.noun.ns && world.pod(world.find_pod(d.ns, d.pod)).job == j;
      if (own || d.for_gang == job.key) out.decisions.push_back(std::move(d));
    }
    // Nominated where others make way counts as starting: nothing else is in its way.
    out.starts_now = job.active > 0 && world.is_satisfied(job.root);
    if (!out.starts_now) out.verdict = explain::verdict_of(turn_now, j);
    if (out.verdict) out.verdict->since = now;
  });
  return out;
}

namespace {

QueueUse use_of(const QueueRow& row) {
  return {row.fair_share, row.allocated, row.guarded, row.allocated + row.pending};
}

}  // namespace

std::map<std::string, QueueUse> Engine::Inside::uses() const {
  std::map<std::string, QueueUse> out;
  for (const auto& row : world.queues)
    if (row.live) out[row.noun.name] = use_of(row);
  return out;
}

Result<WhatIf> Engine::what_if(const std::vector<model::Queue>& queues, Time now) const {
  World& w = inside_->world;
  inside_->divide();
  WhatIf out;
  out.before = inside_->uses();
  std::vector<model::Queue> old;
  std::vector<std::string> fresh;
  Result<void> taken;
  for (const auto& queue : queues) {
    QueueId q = w.find_queue(queue.name);
    const bool is_fresh = q.is_none() || !w.queue(q).live;
    if (!is_fresh) old.push_back(w.queue(q).noun);
    taken = w.upsert(queue);
    if (!taken.has_value()) break;
    if (is_fresh) fresh.push_back(queue.name);
  }
  if (taken.has_value()) w.settle();
  if (taken.has_value()) {
    inside_->rehearse(now, [&](act::Turn&, Round& whole) {
      out.decisions = std::move(whole.decisions);
      out.after = inside_->uses();
    });
  }
  for (const auto& queue : old) {
    const Result<void> back = w.upsert(queue);
    CHECK(back.has_value(), "a queue that was there can be put back");
  }
  for (const auto& name : fresh) w.remove_queue(name);
  inside_->divide();
  if (!taken.has_value()) return taken.error();
  return out;
}

std::optional<QueueUse> Engine::queue_use(const std::string& name) const {
  World& w = inside_->world;
  inside_->divide();
  QueueId q = w.find_queue(name);
  if (q.is_none()) return std::nullopt;
  return use_of(w.queue(q));
}

std::vector<std::string> Engine::queue_names() const {
  std::vector<std::string> out;
  for (const auto& row : inside_->world.queues)
    if (row.live) out.push_back(row.noun.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<model::Pod> Engine::pod(const std::string& ns, const std::string& name) const {
  World& w = inside_->world;
  w.settle();
  PodId p = w.find_pod(ns, name);
  if (p.is_none()) return std::nullopt;
  return w.view(p);
}

std::optional<Engine::NodeUse> Engine::node_use(const std::string& name) const {
  World& w = inside_->world;
  w.settle();
  NodeId n = w.find_node(name);
  if (n.is_none()) return std::nullopt;
  NodeUse use;
  for (std::uint32_t i = 0; i < w.node(n).device_count; ++i) {
    const DeviceRow& d = w.device(n, static_cast<int>(i));
    use.idle_gpu_milli += std::max(0, d.capacity - d.now);
  }
  for (PodId p = w.node(n).held; !p.is_none(); p = w.pod(p).held_next)
    if (w.pod(p).state == PodState::Releasing)
      use.releasing_gpu_milli += w.device_charge(w.shape_of(p), n, w.pod(p).devices);
  return use;
}

std::uint64_t Engine::world_hash() const {
  inside_->world.settle();
  return inside_->world.hash();
}

std::string Engine::check_invariants() const {
  inside_->world.settle();
  return inside_->world.check_counters();
}

}  // namespace muster::sched
