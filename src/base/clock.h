#pragma once
// Clock: the only source of time. The system's clock, or one that a test moves by hand.

#include <cstdint>

#include "base/time.h"

namespace muster {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, may jump.
  virtual Time now() const = 0;
  // Milliseconds of a clock that never goes back; its zero is arbitrary.
  virtual std::int64_t monotonic_ms() const = 0;
  // The same in microseconds, for measuring short work.
  virtual std::int64_t monotonic_us() const { return monotonic_ms() * 1000; }
};

Clock& system_clock();

// Stands still until told otherwise. Thread-safe: no (one test thread owns it).
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : now_(start) {}
  Time now() const override { return now_; }
  std::int64_t monotonic_ms() const override { return now_.ms; }
  void advance(Duration by) { now_ = now_ + by; }

 private:
  Time now_;
};

// A moment of the monotonic clock after which a blocking call gives up. Every blocking call takes one.
struct Deadline {
  std::int64_t monotonic_ms = 0;
  static Deadline in(Duration from_now);
  static constexpr Deadline never() { return {INT64_MAX}; }
  // Milliseconds left, 0 when passed.
  std::int64_t left_ms() const;
  bool passed() const { return left_ms() == 0; }
};

}  // namespace muster
