#include "sched/explain/verdict.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/check.h"
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

Verdict queue_verdict(const World& world, const JobRow& job) {
  Verdict v;
  v.queue = job.noun.queue;
  if (job.queue.is_none()) {
    v.reason = Reason::QueueDoesNotExist;
    v.message = fmt::format("queue \"{}\" does not exist", job.noun.queue);
    return v;
  }
  v.reason = Reason::QueueNotLeaf;
  v.message = fmt::format("queue \"{}\" has queues below it; only a queue without any takes workloads",
                          shown(world.queue(job.queue)));
  return v;
}

Verdict promised_verdict(const World& world, const JobRow& job) {
  Verdict v;
  v.reason = Reason::WaitingForTermination;
  std::int64_t on = 0;
  for (PodId p : job.pods) on += world.pod(p).promised_node.is_none() ? 0 : 1;
  v.numbers = {{"need", static_cast<double>(on)}};
  v.message = fmt::format("has its place; waits until the pods there are gone ({} nominated)", count_of(on, "pod"));
  return v;
}

Verdict delay_verdict(const JobRow& job, Time now) {
  Verdict v;
  v.reason = Reason::PreemptionDelayNotElapsed;
  std::int64_t until = std::max(job.noun.created.ms, job.last_evicted) + job.noun.preemption_delay.ms;
  v.message = fmt::format("finds no free place, and waits another {} before it makes others give way",
                          to_words(Time{until} - now));
  return v;
}

Verdict bind_verdict(const JobRow& job, Time now, Reason reason) {
  Verdict v;
  v.reason = reason;
  v.numbers = {{"have", static_cast<double>(job.bind_failures)}};
  v.message =
      fmt::format("{} could not be carried out ({}); next try in {}",
                  job.bind_failures == 1 ? std::string("a bind") : fmt::format("{} binds in a row", job.bind_failures),
                  job.bind_reason, to_words(Time{job.retry_at} - now));
  return v;
}

// Pods of the job that are not to be placed yet, and that are nominated.
struct Count {
  std::int32_t gated = 0, promised = 0;
};
Count count(const World& world, const JobRow& job) {
  Count c;
  for (GroupId g : job.groups) c.gated += world.group(g).gated, c.promised += world.group(g).promised;
  return c;
}

Verdict limit_verdict(const World& world, const act::Breach& b) {
  const QueueRow& q = world.queue(b.queue);
  Verdict v;
  v.queue = q.noun.name;
  v.resource = world.resource_name(b.resource);
  v.numbers = {{b.guarded ? "quota" : "limit", number(b.resource, b.bound)},
               {"allocated", number(b.resource, b.allocated)},
               {"need", number(b.resource, b.need)}};
  if (b.guarded) {
    v.reason = Reason::NonPreemptibleOverQuota;
    v.message = fmt::format(
        "needs {}, but a non-preemptible workload stays within quota: \"{}\" has a quota of {} and {} of it are taken "
        "by "
        "non-preemptible workloads; a preemptible workload may go over quota",
        amount(world, b.resource, b.need), shown(q), plain(b.resource, b.bound), plain(b.resource, b.allocated));
  } else {
    v.reason = Reason::OverLimit;
    v.message =
        fmt::format("needs {}, but \"{}\" is limited to {} and already uses {}", amount(world, b.resource, b.need),
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

// What a limit is compared with: the next batch, or what of it exists.
order::Batch asked_of(World& world, JobId j) {
  order::Batch batch = order::next_batch(world, j);
  return batch.empty() ? order::existing_core(world, j) : batch;
}

act::Breach breach_of(World& world, JobId j) {
  if (auto b = act::breach(world, j, asked_of(world, j))) return *b;
  auto dear = breach_where_it_fits(world, j, order::next_batch(world, j));
  CHECK(dear, "the reason was a limit");
  return *dear;
}

}  // namespace

std::optional<Reason> reason_of(act::Turn& turn, JobId j) {
  World& world = turn.world;
  const JobRow& job = world.job(j);
  if (!job.live || !job.known || job.noun.deleted) return std::nullopt;
  const Count c = count(world, job);
  if (job.pending == 0 && c.gated == 0 && c.promised == 0) return std::nullopt;
  if (job.queue.is_none()) return Reason::QueueDoesNotExist;
  if (!world.queue(job.queue).is_leaf()) return Reason::QueueNotLeaf;
  if (order::Batch asked = asked_of(world, j); !asked.empty())
    if (auto b = act::breach(world, j, asked)) return b->guarded ? Reason::NonPreemptibleOverQuota : Reason::OverLimit;
  if (c.promised > 0) return Reason::WaitingForTermination;
  order::Batch batch = order::next_batch(world, j);
  if (batch.empty()) {
    order::Readiness r = order::readiness(world, j);
    return r.gated || (r.ready && c.gated > 0) ? Reason::Gated : Reason::GangIncomplete;
  }
  const bool has_room = finds_room(turn, j, batch);
  if (act::is_delayed(turn, j) && !has_room) return Reason::PreemptionDelayNotElapsed;
  if (job.retry_at > turn.now.ms) return job.bind_failures < 3 ? Reason::BackingOff : Reason::BindFailing;
  if (lacks_matching_node(world, batch, world.queue(job.queue).pool)) return Reason::NoMatchingNode;
  if (!has_room) return obstacle_of(turn, j, batch);
  // Nothing is in its way, so that the next round places it; unless it costs too much where there is room.
  auto dear = breach_where_it_fits(world, j, batch);
  if (!dear) return std::nullopt;
  return dear->guarded ? Reason::NonPreemptibleOverQuota : Reason::OverLimit;
}

std::optional<Verdict> verdict_of(act::Turn& turn, JobId j) {
  World& world = turn.world;
  auto reason = reason_of(turn, j);
  if (!reason) return std::nullopt;
  const JobRow& job = world.job(j);
  switch (*reason) {
    case Reason::QueueDoesNotExist:
    case Reason::QueueNotLeaf:
      return queue_verdict(world, job);
    case Reason::OverLimit:
    case Reason::NonPreemptibleOverQuota:
      return limit_verdict(world, breach_of(world, j));
    case Reason::WaitingForTermination:
      return promised_verdict(world, job);
    case Reason::Gated:
    case Reason::GangIncomplete: {
      order::Readiness r = order::readiness(world, j);
      if (r.ready) r.gated_pods = count(world, job).gated;
      r.gated = *reason == Reason::Gated;
      return incomplete_verdict(r);
    }
    case Reason::PreemptionDelayNotElapsed:
      return delay_verdict(job, turn.now);
    case Reason::BackingOff:
    case Reason::BindFailing:
      return bind_verdict(job, turn.now, *reason);
    case Reason::NoMatchingNode:
      return no_matching_node(world, order::next_batch(world, j), world.queue(job.queue).pool);
    default:
      return obstacle(turn, j, order::next_batch(world, j), *reason);
  }
}

}  // namespace muster::sched::explain
