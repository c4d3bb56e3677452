#include "base/threads.h"

#include <doctest/doctest.h>

#include <atomic>

namespace muster {
namespace {

TEST_CASE("a bounded queue holds what it may, keeps order and drains after closing") {
  BoundedQueue<int> queue(2);
  CHECK(queue.try_push(1));
  CHECK(queue.try_push(2));
  CHECK_FALSE(queue.try_push(3));
  CHECK_FALSE(queue.push(3, Deadline::in(milliseconds(10))));
  CHECK(queue.size() == 2);
  queue.close();
  CHECK_FALSE(queue.push(4));
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 2);
  CHECK_FALSE(queue.pop().has_value());
  CHECK(queue.closed());
}

TEST_CASE("a consumer that waits is woken by an item and by closing") {
  BoundedQueue<int> queue(8);
  CHECK_FALSE(queue.pop(Deadline::in(milliseconds(5))).has_value());
  int sum = 0;
  {
    const std::jthread consumer([&] {
      while (const std::optional<int> item = queue.pop()) sum += *item;
    });
    for (int i = 1; i <= 1000; ++i) CHECK(queue.push(i));
    queue.close();
  }
  CHECK(sum == 500500);
}

TEST_CASE("draining takes everything at once") {
  BoundedQueue<int> queue(8);
  queue.try_push(1);
  queue.try_push(2);
  CHECK(queue.drain() == std::deque<int>{1, 2});
  CHECK(queue.size() == 0);
}

TEST_CASE("a pool runs what it took and refuses what does not fit") {
  std::atomic<int> done{0};
  {
    WorkerPool pool("test", 2, 100);
    for (int i = 0; i < 50; ++i) CHECK(pool.submit([&] { ++done; }));
    const Deadline deadline = Deadline::in(seconds(10));
    while (done < 50 && !deadline.passed()) std::this_thread::yield();
  }
  CHECK(done == 50);
  Mutex gate;
  gate.lock();
  std::atomic<int> waiting{0};
  {
    WorkerPool pool("test", 1, 1);
    CHECK(pool.submit([&] {
      ++waiting;
      Lock lock(gate);
    }));
    while (waiting == 0) std::this_thread::yield();
    CHECK(pool.submit([] {}));
    CHECK_FALSE(pool.submit([] {}));
    gate.unlock();
  }
}

TEST_CASE("a sleeper is woken by its stop token") {
  const Deadline begun = Deadline::in(seconds(60));
  {
    std::jthread sleeper([](std::stop_token stop) { sleep_until(stop, Deadline::never()); });
    sleeper.request_stop();
  }
  CHECK(begun.left_ms() > 50'000);
  CHECK_FALSE(sleep_until(std::stop_token(), Deadline::in(milliseconds(5))));
}

}  // namespace
}  // namespace muster
