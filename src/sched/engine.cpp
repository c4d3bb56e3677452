#include "sched/engine.h"

#include <algorithm>
#include <bit>

#include <fmt/core.h>

#include "sched/act/turn.h"
#include "sched/explain/remedy.h"
#include "sched/explain/verdict.h"
#include "sched/share/fair_share.h"
#include "sched/state/world.h"

namespace muster::sched {

using model::Action;
using model::Decision;
using model::PodState;
using model::Verdict;

struct Engine::Inside {
  explicit Inside(Config config) : world(std::move(config)) {}

  World world;
  std::uint64_t round = 0;
  std::uint64_t divided_at = UINT64_MAX;  // version of the shares as they stand
  std::map<std::string, Verdict> verdicts;

  void divide() {
    world.settle();
    share::divide_all(world);
  }
  Round act(const std::vector<Action>& actions, Time now);
  Plan rehearse(JobId j, Time now);
  // `commit`: what follows from decisions outside of the counters is written down too.
  void collect_decisions(Round& round, bool commit);
  Decision decision_of(PodId p, Decision::Kind kind) const;
  void keep_claims();
  void renew_verdicts(act::Turn& turn, Round& round);
  std::optional<Time> next_wake(Time now) const;
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
  return std::visit(Apply{w}, delta);
}

Round Engine::run(Time now) { return inside_->act(inside_->world.config.actions, now); }
Round Engine::run_action(Action action, Time now) { return inside_->act({action}, now); }

Round Engine::Inside::act(const std::vector<Action>& actions, Time now) {
  Round out;
  out.number = ++round;
  world.now = now;
  world.begin_round();
  divide();
  act::Turn turn{world, now, {}, {}};
  act::run_actions(turn, actions);
  collect_decisions(out, true);
  renew_verdicts(turn, out);
  keep_claims();
  out.wake_at = next_wake(now);
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
      if (commit) world.job(pod.job).last_start = world.now.ms;
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
  for (auto& job : world.jobs) {
    if (!job.live) continue;
    bool had = job.claims;
    if (!had && job.active == 0) continue;
    bool has = false;
    for (PodId p : job.pods) {
      PodRow& pod = world.pod(p);
      bool own = pod.state == PodState::Pending && !pod.promised_node.is_none() && !pod.asked_promised;
      pod.claim = own ? pod.promised_node : NodeId{};
      has = has || own;
    }
    if (has && !had) job.claimed_round = round;
    job.claims = has;
  }
}

namespace {
bool same(const Verdict& a, const Verdict& b) {
  return a.reason == b.reason && a.queue == b.queue && a.resource == b.resource && a.numbers == b.numbers &&
         a.causes == b.causes && a.message == b.message;
}
}  // namespace

void Engine::Inside::renew_verdicts(act::Turn& turn, Round& out) {
  std::map<std::string, Verdict> fresh;
  for (std::uint32_t i = 0; i < world.jobs.size(); ++i) {
    if (!world.jobs[i].live) continue;
    auto v = explain::verdict_of(turn, JobId{i});
    if (!v) continue;
    const std::string& key = world.jobs[i].key;
    auto old = verdicts.find(key);
    bool holds = old != verdicts.end() && old->second.reason == v->reason;
    v->since = holds ? old->second.since : turn.now;
    fresh.emplace(key, std::move(*v));
  }
  for (const auto& [key, v] : fresh) {
    auto old = verdicts.find(key);
    if (old == verdicts.end() || !same(old->second, v)) out.verdicts.emplace_back(key, v);
  }
  for (const auto& [key, v] : verdicts)
    if (!fresh.contains(key)) out.verdicts.emplace_back(key, std::nullopt);
  std::sort(out.verdicts.begin(), out.verdicts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  verdicts = std::move(fresh);
}

std::optional<Time> Engine::Inside::next_wake(Time now) const {
  std::int64_t at = INT64_MAX;
  auto want = [&](std::int64_t ms) {
    if (ms > now.ms) at = std::min(at, ms);
  };
  for (std::uint32_t i = 0; i < world.jobs.size(); ++i) {
    const JobRow& job = world.jobs[i];
    if (!job.live || !job.known) continue;
    if (job.pending > 0) {
      want(job.retry_at);
      if (job.noun.preemption_delay.ms > 0)
        want(std::max(job.noun.created.ms, job.last_evicted) + job.noun.preemption_delay.ms);
    }
    if (job.stale_since != 0) {
      Duration grace = act::grace_of(world, JobId{i});
      if (grace.ms >= 0) want(job.stale_since + grace.ms);
    }
  }
  if (at == INT64_MAX) return std::nullopt;
  return Time{at};
}

const Verdict* Engine::verdict(const std::string& gang) const {
  auto it = inside_->verdicts.find(gang);
  return it == inside_->verdicts.end() ? nullptr : &it->second;
}

std::optional<Verdict> Engine::why(const std::string& gang, Time now) const {
  const Verdict* known = verdict(gang);
  if (known == nullptr) return std::nullopt;
  Verdict out = *known;
  World& w = inside_->world;
  inside_->divide();
  JobId j = w.find_job(gang);
  if (!j.is_none()) out.remedy = explain::remedies(w, j, out, now);
  inside_->divide();
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
  if (taken.has_value()) out = inside_->rehearse(w.find_job(key), now);
  for (const auto& p : pods) w.remove_pod(p.ns, p.name);
  w.remove_gang(key);
  inside_->divide();
  if (!taken.has_value()) return taken.error();
  return out;
}

// A round on the world as it is, taken back; what it would do for the one job.
Plan Engine::Inside::rehearse(JobId j, Time now) {
  Plan out;
  auto trial = world.begin_trial();
  share::divide_all(world);
  act::Turn turn{world, now, {}, {}};
  act::run_actions(turn, world.config.actions);
  Round whole;
  collect_decisions(whole, false);
  const JobRow& job = world.job(j);
  for (auto& d : whole.decisions) {
    bool own = d.ns == job.noun.ns && world.pod(world.find_pod(d.ns, d.pod)).job == j;
    if (own || d.for_gang == job.key) out.decisions.push_back(std::move(d));
  }
  // Nominated where others make way counts as starting: nothing else is in its way.
  out.starts_now = job.active > 0 && world.is_satisfied(job.root);
  if (!out.starts_now) out.verdict = explain::verdict_of(turn, j);
  if (out.verdict) out.verdict->since = now;
  world.end_trial(std::move(trial));
  return out;
}

std::optional<QueueUse> Engine::queue_use(const std::string& name) const {
  World& w = inside_->world;
  inside_->divide();
  QueueId q = w.find_queue(name);
  if (q.is_none()) return std::nullopt;
  const QueueRow& row = w.queue(q);
  return QueueUse{row.fair_share, row.allocated, row.guarded, row.allocated + row.pending};
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
