#include "sched/order/walk.h"

#include <algorithm>

#include "sched/order/batch.h"
#include "sched/order/rules.h"

namespace muster::sched::order {

bool Walk::is_later(JobId a, JobId b) {
  int o = compare_jobs(world_, a, b);
  return direction_ == Direction::Serve ? o > 0 : o < 0;
}

Walk::Walk(World& world, const std::vector<JobId>& jobs, Direction direction)
    : world_(world), direction_(direction), lanes_(world.queues.size()) {
  std::vector<QueueId> leaves;
  for (JobId j : jobs) {
    QueueId q = world.job(j).queue;
    if (lane(q).jobs.empty()) leaves.push_back(q);
    lane(q).jobs.push_back(j);
  }
  for (QueueId q : leaves) {
    std::make_heap(lane(q).jobs.begin(), lane(q).jobs.end(), by_turn());
    settle_path(q);
  }
}

bool Walk::before(QueueId a, QueueId b) {
  int o = compare_queues(world_, a, b, lanes_[a.value].next, lanes_[b.value].next);
  return direction_ == Direction::Serve ? o < 0 : o > 0;
}

void Walk::renew(QueueId q) {
  Lane& l = lane(q);
  l.next = {};
  if (!l.jobs.empty()) {
    if (direction_ == Direction::Serve) {
      l.next.takes = demand_of(world_, next_batch(world_, l.jobs.front()).pods);
    } else {
      for (PodId p : world_.job(l.jobs.front()).pods)
        if (world_.is_active(p)) l.next.gives += world_.charge(p);
    }
  }
  if (!l.queues.empty()) l.next = lane(l.queues.front()).next;
}

void Walk::sift(Lane& parent, std::size_t i) {
  auto& heap = parent.queues;
  auto put = [&](std::size_t at, QueueId q) { heap[at] = q, lane(q).place = static_cast<std::int32_t>(at); };
  QueueId q = heap[i];
  while (i > 0 && before(q, heap[(i - 1) / 2])) put(i, heap[(i - 1) / 2]), i = (i - 1) / 2;
  for (;;) {
    std::size_t child = 2 * i + 1;
    if (child >= heap.size()) break;
    if (child + 1 < heap.size() && before(heap[child + 1], heap[child])) ++child;
    if (!before(heap[child], q)) break;
    put(i, heap[child]), i = child;
  }
  put(i, q);
}

void Walk::settle_path(QueueId q) {
  while (!q.is_none()) {
    renew(q);
    QueueId parent = world_.queue(q).parent;
    Lane& up = lane(parent);
    Lane& own = lane(q);
    if (own.empty() && own.place >= 0) {
      auto hole = static_cast<std::size_t>(own.place);
      own.place = -1;
      QueueId last = up.queues.back();
      up.queues.pop_back();
      if (hole < up.queues.size())
        up.queues[hole] = last, lane(last).place = static_cast<std::int32_t>(hole), sift(up, hole);
    } else if (!own.empty()) {
      if (own.place < 0) own.place = static_cast<std::int32_t>(up.queues.size()), up.queues.push_back(q);
      sift(up, static_cast<std::size_t>(own.place));
    }
    q = parent;
  }
}

JobId Walk::pop() {
  if (root_.queues.empty()) return {};
  QueueId q = root_.queues.front();
  while (lane(q).jobs.empty()) q = lane(q).queues.front();
  auto& heap = lane(q).jobs;
  std::pop_heap(heap.begin(), heap.end(), by_turn());
  JobId j = heap.back();
  heap.pop_back();
  settle_path(q);
  return j;
}

void Walk::push(JobId j) {
  QueueId q = world_.job(j).queue;
  lane(q).jobs.push_back(j);
  std::push_heap(lane(q).jobs.begin(), lane(q).jobs.end(), by_turn());
  settle_path(q);
}

void Walk::refresh(QueueId leaf) { settle_path(leaf); }

}  // namespace muster::sched::order
