#include "sched/order/rules.h"

#include "base/wide.h"
#include "sched/order/batch.h"
#include "sched/share/fair_share.h"

namespace muster::sched::order {

using model::Resources;

namespace {

int compare_ratios(const Ratio& a, const Ratio& b) {
  Wide x = static_cast<Wide>(a.of) * b.to, y = static_cast<Wide>(b.of) * a.to;
  return x < y ? -1 : x > y ? 1 : 0;
}

// The largest of used / allocatable share. Where a queue is entitled to nothing, whatever it uses weighs a
// thousandfold; where it has no bound, its use is compared with the pool.
Ratio dominant(const World& world, const QueueRow& q, const Resources& next) {
  Ratio most;
  const Resources total = share::capacity(world.pool(q.pool));
  for (int r = 0; r < resource_count; ++r) {
    std::int64_t used = at(q.allocated, r) + at(next, r);
    if (used == 0) continue;
    std::int64_t share = share::allocatable(q, r);
    if (share == unlimited) share = at(total, r);
    Ratio here{used, share};
    if (share <= 0) here = {r == 0 ? used : used > INT64_MAX / 1000 ? INT64_MAX : used * 1000, 1};
    if (compare_ratios(here, most) > 0) most = here;
  }
  return most;
}

bool hits_zero_share(const QueueRow& q, const Resources& next) {
  for (int r = 0; r < resource_count; ++r)
    if (at(q.allocated, r) + at(next, r) > 0 && share::allocatable(q, r) == 0) return true;
  return false;
}

}  // namespace

bool is_above_share(const QueueRow& q) {
  for (int r = 0; r < resource_count; ++r)
    if (at(q.allocated, r) > at(q.fair_share, r)) return true;
  return false;
}

bool stays_within_quota(const QueueRow& q, const Resources& next) {
  for (int r = 0; r < resource_count; ++r)
    if (at(q.quota, r) != unlimited && at(q.allocated, r) + at(next, r) > at(q.quota, r)) return false;
  return true;
}

QueueKey key_of(const World& world, QueueId id, const Next& next) {
  const QueueRow& q = world.queue(id);
  QueueKey key;
  key.above_share = is_above_share(q);
  key.beyond_quota = !stays_within_quota(q, next.takes);
  key.hits_zero = hits_zero_share(q, next.takes);
  key.priority = q.noun.priority;
  key.with_next = dominant(world, q, next.takes - next.gives);
  key.as_is = dominant(world, q, {});
  for (int r = 0; r < resource_count; ++r) at(key.allocatable, r) = share::allocatable(q, r);
  key.rank = q.rank;
  return key;
}

int compare(const QueueKey& a, const QueueKey& b) {
  if (a.above_share != b.above_share) return a.above_share ? 1 : -1;
  if (a.beyond_quota != b.beyond_quota) return a.beyond_quota ? 1 : -1;
  if (a.priority != b.priority) return a.priority > b.priority ? -1 : 1;
  if (a.hits_zero != b.hits_zero) return a.hits_zero ? 1 : -1;
  if (int o = compare_ratios(a.with_next, b.with_next)) return o;
  if (int o = compare_ratios(a.as_is, b.as_is)) return o;
  for (int r = 0; r < resource_count; ++r)
    if (at(a.allocatable, r) != at(b.allocatable, r)) return at(a.allocatable, r) < at(b.allocatable, r) ? -1 : 1;
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0;
}

int compare_jobs(const World& world, JobId a, JobId b) {
  const JobRow &x = world.job(a), &y = world.job(b);
  if (x.noun.priority != y.noun.priority) return x.noun.priority > y.noun.priority ? -1 : 1;
  int p = elasticity(world, a), q = elasticity(world, b);
  if (p != q) return p < q ? -1 : 1;
  if (x.noun.created != y.noun.created) return x.noun.created < y.noun.created ? -1 : 1;
  return x.key.compare(y.key);
}

}  // namespace muster::sched::order
