#include "sched/order/queue_heap.h"

namespace muster::sched::order {

QueueHeap::QueueHeap(const World& world, Direction direction)
    : world_(world), direction_(direction), lanes_(world.queues.size()) {}

bool QueueHeap::before(QueueId a, QueueId b) const {
  int o = compare(lanes_[a.value].key, lanes_[b.value].key);
  return direction_ == Direction::Serve ? o < 0 : o > 0;
}

void QueueHeap::sift(Lane& parent, std::size_t i) {
  auto& heap = parent.children;
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

void QueueHeap::settle(QueueId q) {
  while (!q.is_none()) {
    Lane& own = lane(q);
    if (!own.children.empty()) own.next = lane(own.children.front()).next;
    bool has = own.filled || !own.children.empty();
    QueueId parent = world_.queue(q).parent;
    Lane& up = lane(parent);
    if (!has && own.place >= 0) {
      auto hole = static_cast<std::size_t>(own.place);
      own.place = -1;
      QueueId last = up.children.back();
      up.children.pop_back();
      if (hole < up.children.size()) {
        up.children[hole] = last, lane(last).place = static_cast<std::int32_t>(hole);
        sift(up, hole);
      }
    } else if (has) {
      own.key = key_of(world_, q, own.next);
      if (own.place < 0) own.place = static_cast<std::int32_t>(up.children.size()), up.children.push_back(q);
      sift(up, static_cast<std::size_t>(own.place));
    }
    q = parent;
  }
}

void QueueHeap::set(QueueId leaf, const Next& next) {
  Lane& l = lane(leaf);
  l.filled = true, l.next = next;
  settle(leaf);
}

void QueueHeap::drop(QueueId leaf) {
  lane(leaf).filled = false;
  settle(leaf);
}

QueueId QueueHeap::best() const {
  if (root_.children.empty()) return {};
  QueueId q = root_.children.front();
  while (!lane(q).children.empty()) q = lane(q).children.front();
  return q;
}

}  // namespace muster::sched::order
