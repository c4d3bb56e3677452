#pragma once
// Threads: an annotated mutex (clang checks GUARDED_BY), a bounded queue, a pool of blocking workers.
// Between threads of Muster there are bounded queues or immutable snapshots, nothing else.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

#if defined(__clang__)
#define MUSTER_TSA(x) __attribute__((x))
#else
#define MUSTER_TSA(x)
#endif
#define CAPABILITY(x) MUSTER_TSA(capability(x))
#define SCOPED_CAPABILITY MUSTER_TSA(scoped_lockable)
#define GUARDED_BY(x) MUSTER_TSA(guarded_by(x))
#define REQUIRES(...) MUSTER_TSA(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) MUSTER_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) MUSTER_TSA(release_capability(__VA_ARGS__))
#define EXCLUDES(...) MUSTER_TSA(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS MUSTER_TSA(no_thread_safety_analysis)

namespace muster {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() RELEASE() { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  friend class Condition;
  Mutex& mutex_;
};

class Condition {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }
  void wait(Mutex& mutex) REQUIRES(mutex);
  // False when the deadline passed first. Spurious wake-ups happen: ask the condition again.
  bool wait_until(Mutex& mutex, Deadline deadline) REQUIRES(mutex);

 private:
  std::condition_variable condition_;
};

// Multi-producer, multi-consumer, bounded. close() lets consumers drain what is left, then ends them.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // Waits for room. False when closed or the deadline passed: the item was not taken.
  bool push(T item, Deadline deadline = Deadline::never()) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    while (!closed_ && items_.size() >= capacity_) {
      if (!room_.wait_until(mutex_, deadline) && items_.size() >= capacity_) return false;
    }
    if (closed_) return false;
    items_.push_back(std::move(item));
    some_.notify_one();
    return true;
  }
  // False when full or closed.
  bool try_push(T item) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    some_.notify_one();
    return true;
  }
  // nullopt when closed and drained, or when the deadline passed; closed() tells which.
  std::optional<T> pop(Deadline deadline = Deadline::never()) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    while (items_.empty()) {
      if (closed_) return std::nullopt;
      if (!some_.wait_until(mutex_, deadline) && items_.empty()) return std::nullopt;
    }
    T item = std::move(items_.front());
    items_.pop_front();
    room_.notify_one();
    return item;
  }
  // Everything that is there now, without waiting.
  std::deque<T> drain() EXCLUDES(mutex_) {
    Lock lock(mutex_);
    std::deque<T> out;
    out.swap(items_);
    room_.notify_all();
    return out;
  }
  void close() EXCLUDES(mutex_) {
    Lock lock(mutex_);
    closed_ = true;
    some_.notify_all();
    room_.notify_all();
  }
  bool closed() const EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return closed_;
  }
  std::size_t size() const EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return items_.size();
  }

 private:
  const std::size_t capacity_;
  mutable Mutex mutex_;
  Condition some_, room_;
  std::deque<T> items_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

// Blocking workers behind a bounded queue. The destructor lets running tasks end and drops waiting ones.
class WorkerPool {
 public:
  WorkerPool(std::string name, std::size_t workers, std::size_t queue);
  ~WorkerPool();
  // False when the queue is full or the pool stops: the caller answers "exhausted".
  bool submit(std::function<void()> task);

 private:
  BoundedQueue<std::function<void()>> tasks_;
  std::vector<std::jthread> workers_;
};

// Names the calling thread for ps and debuggers (15 bytes at most).
void name_thread(const std::string& name);
// Sleeps until the deadline or until a stop is asked for; true when stopped.
bool sleep_until(std::stop_token stop, Deadline deadline);

}  // namespace muster
