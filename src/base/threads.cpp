#include "base/threads.h"

#include <pthread.h>

#include <chrono>

namespace muster {

void Condition::wait(Mutex& mutex) NO_THREAD_SAFETY_ANALYSIS {
  std::unique_lock lock(mutex.mutex_, std::adopt_lock);
  condition_.wait(lock);
  lock.release();
}

bool Condition::wait_until(Mutex& mutex, Deadline deadline) NO_THREAD_SAFETY_ANALYSIS {
  if (deadline.monotonic_ms == Deadline::never().monotonic_ms) {
    wait(mutex);
    return true;
  }
  std::unique_lock lock(mutex.mutex_, std::adopt_lock);
  const std::cv_status status = condition_.wait_for(lock, std::chrono::milliseconds(deadline.left_ms()));
  lock.release();
  return status == std::cv_status::no_timeout;
}

WorkerPool::WorkerPool(std::string name, std::size_t workers, std::size_t queue) : tasks_(queue) {
  for (std::size_t i = 0; i < workers; ++i) {
    workers_.emplace_back([this, name] {
      name_thread(name);
      while (std::optional<std::function<void()>> task = tasks_.pop()) (*task)();
    });
  }
}

WorkerPool::~WorkerPool() {
  tasks_.drain();
  tasks_.close();
  for (std::jthread& worker : workers_) worker.join();
}

bool WorkerPool::submit(std::function<void()> task) { return tasks_.try_push(std::move(task)); }

void name_thread(const std::string& name) { pthread_setname_np(pthread_self(), name.substr(0, 15).c_str()); }

bool sleep_until(std::stop_token stop, Deadline deadline) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  const std::int64_t left = deadline.left_ms();
  if (left == INT64_MAX) {
    wake.wait(lock, stop, [] { return false; });
  } else {
    wake.wait_for(lock, stop, std::chrono::milliseconds(left), [] { return false; });
  }
  return stop.stop_requested();
}

}  // namespace muster
