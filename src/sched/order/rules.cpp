#include "sched/order/rules.h"

#include "base/wide.h"
#include "sched/order/batch.h"
#include "sched/share/fair_share.h"

namespace muster::sched::order {

using model::Resources;

namespace {

struct Ratio {
  std::int64_t of = 0, to = 1;
};

int compare(const Ratio& a, const Ratio& b) {
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
    std::int64_t share = share::allocatable(q, r);
    if (share == unlimited) share = at(total, r);
    Ratio here{used, share};
    if (share <= 0) here = {r == 0 ? used : used > INT64_MAX / 1000 ? INT64_MAX : used * 1000, 1};
    if (compare(here, most) > 0) most = here;
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

int compare_queues(const World& world, QueueId a, QueueId b, const Next& next_a, const Next& next_b) {
  const QueueRow &x = world.queue(a), &y = world.queue(b);
  auto first = [](bool good_x, bool good_y) { return good_x == good_y ? 0 : good_x ? -1 : 1; };
  if (int o = first(!is_above_share(x), !is_above_share(y))) return o;
  if (int o = first(stays_within_quota(x, next_a.takes), stays_within_quota(y, next_b.takes))) return o;
  if (x.noun.priority != y.noun.priority) return x.noun.priority > y.noun.priority ? -1 : 1;
  if (int o = first(!hits_zero_share(x, next_a.takes), !hits_zero_share(y, next_b.takes))) return o;
  if (int o = compare(dominant(world, x, next_a.takes - next_a.gives), dominant(world, y, next_b.takes - next_b.gives)))
    return o;
  if (int o = compare(dominant(world, x, {}), dominant(world, y, {}))) return o;
  for (int r = 0; r < resource_count; ++r) {
    std::int64_t p = share::allocatable(x, r), q = share::allocatable(y, r);
    if (p != q) return p < q ? -1 : 1;
  }
  return x.rank < y.rank ? -1 : x.rank > y.rank ? 1 : 0;
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
