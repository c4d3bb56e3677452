#include "sched/explain/verdict.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "sched/act/limits.h"
#include "sched/act/runtime.h"
#include "sched/explain/obstacle.h"
#include "sched/explain/shortage.h"
#include "sched/explain/words.h"

namespace muster::sched::explain {

using model::Reason;
using model::Verdict;

namespace {

std::string shown(const QueueRow& q) { return q.noun.display_name.empty() ? q.noun.name : q.noun.display_name; }

std::optional<Verdict> queue_verdict(const World& world, const JobRow& job) {
  Verdict v;
  v.queue = job.noun.queue;
  if (job.queue.is_none()) {
    v.reason = Reason::QueueDoesNotExist;
    v.message = fmt::format("queue \"{}\" does not exist", job.noun.queue);
    return v;
  }
  const QueueRow& q = world.queue(job.queue);
  if (q.is_leaf()) return std::nullopt;
  v.reason = Reason::QueueNotLeaf;
  v.message = fmt::format("queue \"{}\" has queues below it; only a queue without any takes workloads", shown(q));
  return v;
}

Verdict limit_verdict(const World& world, const act::Breach& b) {
  const QueueRow& q = world.queue(b.queue);
  Verdict v;
  v.queue = q.noun.name;
  v.resource = resource_name(b.resource);
  v.numbers = {{b.guarded ? "quota" : "limit", number(b.resource, b.bound)},
               {"allocated", number(b.resource, b.allocated)},
               {"need", number(b.resource, b.need)}};
  if (b.guarded) {
    v.reason = Reason::NonPreemptibleOverQuota;
    v.message = fmt::format(
        "needs {}, but a non-preemptible workload stays within quota: \"{}\" has a quota of {} and {} of it are taken "
        "by "
        "non-preemptible workloads; a preemptible workload may go over quota",
        amount(b.resource, b.need), shown(q), plain(b.resource, b.bound), plain(b.resource, b.allocated));
  } else {
    v.reason = Reason::OverLimit;
    v.message = fmt::format("needs {}, but \"{}\" is limited to {} and already uses {}", amount(b.resource, b.need),
                            shown(q), plain(b.resource, b.bound), plain(b.resource, b.allocated));
  }
  return v;
}

Verdict incomplete_verdict(const order::Readiness& r) {
  Verdict v;
  v.numbers = {{"need", r.needed}, {"have", r.existing}};
  if (r.gated) {
    v.reason = Reason::Gated;
    v.message = fmt::format("{} held back by scheduling gates", count_of(r.gated_pods, "pod is"));
    if (r.gated_pods != 1) v.message = fmt::format("{} pods are held back by scheduling gates", r.gated_pods);
  } else {
    v.reason = Reason::GangIncomplete;
    v.message = fmt::format("needs {} pods at once, but {} exist", r.needed, r.existing);
    if (r.gated_pods > 0) v.message += fmt::format(" and {} more are gated", r.gated_pods);
  }
  return v;
}

}  // namespace

std::optional<Verdict> verdict_of(act::Turn& turn, JobId j) {
  World& world = turn.world;
  const JobRow& job = world.job(j);
  std::int32_t gated = 0, promised = 0;
  for (GroupId g : job.groups) gated += world.group(g).gated, promised += world.group(g).promised;
  if (!job.live || !job.known || job.noun.deleted) return std::nullopt;
  if (job.pending == 0 && gated == 0 && promised == 0) return std::nullopt;
  if (auto v = queue_verdict(world, job)) return v;
  order::Batch batch = order::next_batch(world, j);
  if (!batch.empty())
    if (auto b = act::breach(world, j, batch)) return limit_verdict(world, *b);
  if (batch.empty() && promised == 0) {
    order::Readiness r = order::readiness(world, j);
    if (r.ready && gated > 0) r.gated = true, r.gated_pods = gated;
    return incomplete_verdict(r);
  }
  if (promised > 0) {
    Verdict v;
    v.reason = Reason::WaitingForTermination;
    std::int64_t on = 0;
    for (PodId p : job.pods) on += world.pod(p).promised_node.is_none() ? 0 : 1;
    v.numbers = {{"need", static_cast<double>(on)}};
    v.message = fmt::format("has its place; waits until the pods there are gone ({} nominated)", count_of(on, "pod"));
    return v;
  }
  if (act::is_delayed(turn, j)) {
    Verdict v;
    v.reason = Reason::PreemptionDelayNotElapsed;
    std::int64_t until = std::max(job.noun.created.ms, job.last_evicted) + job.noun.preemption_delay.ms;
    v.message = fmt::format("finds no free place, and waits another {} before it makes others give way",
                            to_words(Time{until} - turn.now));
    return v;
  }
  if (job.retry_at > turn.now.ms) {
    Verdict v;
    v.reason = job.bind_failures < 3 ? Reason::BackingOff : Reason::BindFailing;
    v.numbers = {{"have", static_cast<double>(job.bind_failures)}};
    v.message = fmt::format(
        "{} could not be carried out ({}); next try in {}",
        job.bind_failures == 1 ? std::string("a bind") : fmt::format("{} binds in a row", job.bind_failures),
        job.bind_reason, to_words(Time{job.retry_at} - turn.now));
    return v;
  }
  PoolId pool = world.queue(job.queue).pool;
  if (auto v = no_matching_node(world, batch, pool)) return v;
  // Jobs that ask the same of the same queue wait for the same reason.
  std::string needs = act::signature(world, j, batch);
  if (needs.empty()) return obstacle(turn, j, batch);
  needs +=
      fmt::format("|{}|{}|{}|{}", job.queue.value, job.noun.priority, static_cast<int>(job.preemptibility), batch.core);
  auto known = turn.obstacles.find(needs);
  if (known == turn.obstacles.end()) known = turn.obstacles.emplace(needs, obstacle(turn, j, batch)).first;
  return known->second;
}

}  // namespace muster::sched::explain
