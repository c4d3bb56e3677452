#include "sched/order/giving.h"

#include <algorithm>

#include "sched/order/batch.h"

namespace muster::sched::order {

Giving::Giving(World& world, const Lines& lines, const std::vector<QueueId>& leaves, std::function<bool(JobId)> may)
    : world_(world), may_(std::move(may)), heap_(world, Direction::GiveWay), lanes_(world.queues.size()) {
  for (QueueId q : leaves) {
    const auto& holders = lines.leaf(q).holders;
    if (holders.empty()) continue;
    lanes_[q.value].holders = &holders;
    lanes_[q.value].at = holders.rbegin();
    if (world_.config.victims == Config::Victims::LeastLost) {
      auto& list = lanes_[q.value].by_loss;
      list.assign(holders.begin(), holders.end());
      std::sort(list.begin(), list.end(), [this](const Standing& a, const Standing& b) { return sooner(b, a); });
      lanes_[q.value].at = holders.rend();
    }
    renew(q);
  }
}

namespace {

// Thousandths of GPUs times milliseconds that would be done in vain.
std::int64_t loss_of(const World& world, JobId j) {
  const JobRow& job = world.job(j);
  std::int64_t since = std::max(job.last_start, job.noun.last_checkpoint.value_or(Time{}).ms);
  std::int64_t gpus = 0;
  for (PodId p : job.pods)
    if (world.is_active(p)) gpus += world.charge(p).gpu;
  return gpus * std::max<std::int64_t>(0, world.now.ms - since);
}

}  // namespace

bool Giving::sooner(const Standing& a, const Standing& b) const {
  if (world_.config.victims == Config::Victims::LeastLost && a.priority == b.priority && a.elasticity == b.elasticity) {
    std::int64_t x = loss_of(world_, a.job), y = loss_of(world_, b.job);
    if (x != y) return x < y;
  }
  return ByStanding(world_)(b, a);
}

const Standing* Giving::top(Lane& lane) {
  if (lane.holders == nullptr) return nullptr;
  while (lane.at != lane.holders->rend() && !may_(lane.at->job)) ++lane.at;
  while (!lane.by_loss.empty() && !may_(lane.by_loss.back().job)) lane.by_loss.pop_back();
  const Standing* fresh = lane.at != lane.holders->rend() ? &*lane.at : nullptr;
  if (!lane.by_loss.empty()) fresh = &lane.by_loss.back();
  if (lane.again.empty()) return fresh;
  if (fresh == nullptr || sooner(lane.again.front(), *fresh)) return &lane.again.front();
  return fresh;
}

void Giving::renew(QueueId leaf) {
  const Standing* turn = top(lanes_[leaf.value]);
  if (turn == nullptr) {
    heap_.drop(leaf);
    return;
  }
  Next next;
  for (PodId p : world_.job(turn->job).pods)
    if (world_.is_active(p)) next.gives += world_.charge(p);
  heap_.set(leaf, next);
}

JobId Giving::next() {
  for (;;) {
    leaf_ = heap_.best();
    if (leaf_.is_none()) return {};
    Lane& lane = lanes_[leaf_.value];
    // Meanwhile jobs may have been ruled out.
    const Standing* first = top(lane);
    if (first == nullptr) {
      heap_.drop(leaf_);
      continue;
    }
    now_ = *first;
    if (!lane.again.empty() && first == &lane.again.front()) {
      std::pop_heap(lane.again.begin(), lane.again.end(),
                    [this](const auto& a, const auto& b) { return sooner(b, a); });
      lane.again.pop_back();
    } else if (!lane.by_loss.empty()) {
      lane.by_loss.pop_back();
    } else {
      ++lane.at;
    }
    if (may_(now_.job)) return now_.job;
    renew(leaf_);
  }
}

void Giving::took() {
  if (world_.job(now_.job).active > 0) {
    Lane& lane = lanes_[leaf_.value];
    now_.elasticity = elasticity(world_, now_.job);
    lane.again.push_back(now_);
    std::push_heap(lane.again.begin(), lane.again.end(), [this](const auto& a, const auto& b) { return sooner(b, a); });
  }
  renew(leaf_);
}

void Giving::skip_queue() {
  lanes_[leaf_.value].holders = nullptr;
  heap_.drop(leaf_);
}

void Giving::skip() { renew(leaf_); }

}  // namespace muster::sched::order
