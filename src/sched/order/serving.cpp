#include "sched/order/serving.h"

#include <algorithm>

#include "sched/order/batch.h"

namespace muster::sched::order {

Serving::Serving(World& world, Lines& lines, PoolId pool, std::function<bool(JobId)> may)
    : world_(world), lines_(lines), may_(std::move(may)), heap_(world, Direction::Serve), lanes_(world.queues.size()) {
  for (QueueId q : lines.leaves(pool)) {
    for (ClassIndex c : lines.leaf(q).classes) push_next_of(c, nullptr);
    if (!lanes_[q.value].empty()) renew(q);
  }
}

void Serving::push_next_of(ClassIndex c, const Standing* after) {
  const WaitingClass& klass = lines_.waiting(c);
  auto it = after == nullptr ? klass.jobs.begin() : klass.jobs.upper_bound(*after);
  for (; it != klass.jobs.end(); ++it) {
    if (!may_(it->job)) {
      // Alike in all that a class stands for, yet each with a clock of its own.
      if (klass.alone) return;
      continue;
    }
    auto& lane = lanes_[klass.leaf.value];
    lane.push_back({*it, c, klass.generation});
    std::push_heap(lane.begin(), lane.end(), [this](const auto& a, const auto& b) { return later(a, b); });
    return;
  }
}

void Serving::renew(QueueId leaf) {
  const auto& lane = lanes_[leaf.value];
  if (lane.empty()) {
    heap_.drop(leaf);
  } else {
    heap_.set(leaf, Next{demand_of(world_, next_batch(world_, lane.front().standing.job).pods), {}});
  }
}

JobId Serving::next() {
  leaf_ = heap_.best();
  if (leaf_.is_none()) return {};
  auto& lane = lanes_[leaf_.value];
  std::pop_heap(lane.begin(), lane.end(), [this](const auto& a, const auto& b) { return later(a, b); });
  now_ = lane.back();
  lane.pop_back();
  return now_.standing.job;
}

void Serving::placed() {
  if (now_.klass != no_class && lines_.waiting(now_.klass).generation == now_.generation)
    push_next_of(now_.klass, &now_.standing);
  JobId j = now_.standing.job;
  if (!next_batch(world_, j).empty()) {
    now_.standing.elasticity = elasticity(world_, j);
    now_.klass = no_class;
    auto& lane = lanes_[leaf_.value];
    lane.push_back(now_);
    std::push_heap(lane.begin(), lane.end(), [this](const auto& a, const auto& b) { return later(a, b); });
  }
  renew(leaf_);
}

void Serving::failed() { renew(leaf_); }

}  // namespace muster::sched::order
