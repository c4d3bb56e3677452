#pragma once
// Metrics: counters, gauges and histograms of this process, written in Prometheus' text form at /metrics. What is made
// lives as long as its registry; changing a value is one atomic step and may be done from any thread.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/threads.h"

namespace muster::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  // Requires: by >= 0.
  void add(double by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  // Requires: upper bounds grow.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  // Observations in bucket i (not summed up); bucket bounds().size() holds what is above the last bound.
  std::uint64_t in_bucket(std::size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> buckets_;
  std::atomic<double> sum_{0};
};

class Registry {
 public:
  // The metric of that name and labels, made on first use. Requires: one name has one kind; names are Prometheus'.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {}) EXCLUDES(mutex_);
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {}) EXCLUDES(mutex_);
  Histogram& histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                       const Labels& labels = {}) EXCLUDES(mutex_);
  // Prometheus text format 0.0.4, sorted by name and labels.
  std::string text() const EXCLUDES(mutex_);

 private:
  struct Family {
    std::string help;
    std::map<std::string, std::unique_ptr<Counter>> counters;  // by their labels as written
    std::map<std::string, std::unique_ptr<Gauge>> gauges;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
  };
  Family& family(std::string_view name, std::string_view help) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Family> families_ GUARDED_BY(mutex_);
};

// The process's own.
Registry& registry();

// 1 ms to about 16 s, doubling: for requests and rounds, in seconds.
std::vector<double> second_bounds();

}  // namespace muster::metrics
