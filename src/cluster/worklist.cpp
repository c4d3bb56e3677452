#include "cluster/worklist.h"

#include <algorithm>

#include "base/clock.h"

namespace muster::cluster {

Worklist::Worklist(std::string thread_name, std::size_t workers, Visit visit)
    : thread_name_(std::move(thread_name)), workers_(workers), visit_(std::move(visit)) {}

void Worklist::put(const std::string& key, std::int64_t due) {
  const auto known = waiting_.find(key);
  if (known != waiting_.end()) {
    if (known->second.first <= due) return;
    order_.erase(known->second);
  }
  const std::pair<std::int64_t, std::uint64_t> place{due, ++sequence_};
  waiting_[key] = place;
  order_[place] = key;
  some_.notify_one();
}

void Worklist::add_after(const std::string& key, Duration delay) {
  const std::int64_t due = system_clock().monotonic_ms() + std::max<std::int64_t>(delay.ms, 0);
  Lock lock(mutex_);
  if (under_way_.contains(key)) {
    const auto [again, is_new] = again_.emplace(key, due);
    if (!is_new) again->second = std::min(again->second, due);
    return;
  }
  put(key, due);
}

void Worklist::start() {
  if (!threads_.empty()) return;
  for (std::size_t i = 0; i < workers_; ++i) threads_.emplace_back([this] { work(); });
}

void Worklist::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    some_.notify_all();
  }
  for (std::jthread& thread : threads_) thread.join();
  threads_.clear();
}

std::size_t Worklist::size() const {
  Lock lock(mutex_);
  return waiting_.size() + again_.size();
}

void Worklist::work() {
  name_thread(thread_name_);
  while (true) {
    std::string key;
    {
      Lock lock(mutex_);
      while (!stopping_) {
        if (order_.empty()) {
          some_.wait(mutex_);
          continue;
        }
        const std::int64_t due = order_.begin()->first.first;
        if (due <= system_clock().monotonic_ms()) break;
        some_.wait_until(mutex_, Deadline{due});
      }
      if (stopping_) return;
      key = order_.begin()->second;
      order_.erase(order_.begin());
      waiting_.erase(key);
      under_way_.insert(key);
    }
    const std::optional<Duration> after = visit_(key);
    Lock lock(mutex_);
    under_way_.erase(key);
    if (const auto again = again_.find(key); again != again_.end()) {
      put(key, again->second);
      again_.erase(again);
    }
    if (after) put(key, system_clock().monotonic_ms() + std::max<std::int64_t>(after->ms, 1));
  }
}

}  // namespace muster::cluster
