#pragma once
// Time and Duration: milliseconds as values. Time is handed in (see clock.h), never read from a global clock.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace muster {

struct Duration {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }
  friend constexpr Duration operator*(Duration a, std::int64_t n) { return {a.ms * n}; }
};

constexpr Duration milliseconds(std::int64_t n) { return {n}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration minutes(std::int64_t n) { return {n * 60'000}; }
constexpr Duration hours(std::int64_t n) { return {n * 3'600'000}; }

// A moment: milliseconds since 1970-01-01T00:00:00Z. 0 stands for "never" where a comment says so.
struct Time {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(Time, Time) = default;
  friend constexpr Time operator+(Time t, Duration d) { return {t.ms + d.ms}; }
  friend constexpr Time operator-(Time t, Duration d) { return {t.ms - d.ms}; }
  friend constexpr Duration operator-(Time a, Time b) { return {a.ms - b.ms}; }
};

// "2026-11-24T08:15:30.250Z"
std::string to_rfc3339(Time time);
// Kubernetes writes whole seconds in metadata: "2026-11-24T08:15:30Z".
std::string to_rfc3339_seconds(Time time);
// Takes fractions of a second and numeric offsets.
Result<Time> parse_rfc3339(std::string_view text);
// Go-like: "250ms", "90s", "1h30m", "-1s", "5d8h", "2w"; a bare "0" is zero.
Result<Duration> parse_duration(std::string_view text);
// "1h30m0s" as Go writes it; parse_duration reads it back.
std::string to_text(Duration duration);
// For people: "48 s", "3 h 51 min", "2 d 4 h".
std::string to_words(Duration duration);

}  // namespace muster
