#include "base/clock.h"

#include <ctime>

namespace muster {
namespace {

std::int64_t read_ms(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return static_cast<std::int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1'000'000;
}

class SystemClock final : public Clock {
 public:
  Time now() const override { return {read_ms(CLOCK_REALTIME)}; }
  std::int64_t monotonic_ms() const override { return read_ms(CLOCK_MONOTONIC); }
  std::int64_t monotonic_us() const override {
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000;
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

Deadline Deadline::in(Duration from_now) { return {read_ms(CLOCK_MONOTONIC) + from_now.ms}; }

std::int64_t Deadline::left_ms() const {
  if (monotonic_ms == INT64_MAX) return INT64_MAX;
  const std::int64_t left = monotonic_ms - read_ms(CLOCK_MONOTONIC);
  return left > 0 ? left : 0;
}

}  // namespace muster
