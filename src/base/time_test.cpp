#include "base/time.h"

#include <doctest/doctest.h>

#include "base/clock.h"

namespace muster {
namespace {

TEST_CASE("times are written and read as RFC 3339") {
  const Time time{1795508130250};
  CHECK(to_rfc3339(time) == "2026-11-24T08:15:30.250Z");
  CHECK(to_rfc3339_seconds(time) == "2026-11-24T08:15:30Z");
  CHECK(parse_rfc3339("2026-11-24T08:15:30.250Z") == time);
  CHECK(parse_rfc3339("2026-11-24t08:15:30.25z") == time);
  CHECK(parse_rfc3339("2026-11-24 09:15:30.2509+01:00") == time);
  CHECK(parse_rfc3339("2026-11-24T02:45:30.250-05:30") == time);
  CHECK(to_rfc3339(Time{-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(parse_rfc3339("1969-12-31T23:59:59.999Z") == Time{-1});
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z").has_value());
}

TEST_CASE("what is no time is refused") {
  for (const std::string_view text :
       {"", "2026-11-24", "2026-11-24T08:15:30", "2026-13-01T00:00:00Z", "2026-11-24T24:00:00Z",
        "2026-11-24T08:15:30.Z", "2026-11-24T08:15:30Zx", "2026-11-24T08:15:30+1:00", "now"}) {
    CAPTURE(text);
    const Result<Time> time = parse_rfc3339(text);
    REQUIRE_FALSE(time.has_value());
    CHECK(time.error().kind == ErrorKind::Invalid);
  }
}

TEST_CASE("durations are read as Go writes them, and days and weeks too") {
  CHECK(parse_duration("250ms") == milliseconds(250));
  CHECK(parse_duration("90s") == seconds(90));
  CHECK(parse_duration("1h30m") == minutes(90));
  CHECK(parse_duration("1.5h") == minutes(90));
  CHECK(parse_duration("-1s") == milliseconds(-1000));
  CHECK(parse_duration("5d8h") == hours(128));
  CHECK(parse_duration("2w") == hours(336));
  CHECK(parse_duration("0") == Duration{0});
  CHECK(parse_duration("1500us") == milliseconds(2));
  for (const std::string_view text : {"", "5", "s", "1x", "1.2.3s", "1h 30m", "--1s", "9999999999999999w"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("a duration is written so that it is read back") {
  for (const std::int64_t ms : {0, 1, 999, 1000, 1500, 61'000, 3'600'000, 5'400'250, 86'400'000, -90'000}) {
    CHECK(parse_duration(to_text(Duration{ms})) == Duration{ms});
  }
  CHECK(to_text(minutes(90)) == "1h30m0s");
  CHECK(to_text(milliseconds(1500)) == "1.5s");
}

TEST_CASE("people read durations in two units at most") {
  CHECK(to_words(seconds(48)) == "48 s");
  CHECK(to_words(milliseconds(-5)) == "0 s");
  CHECK(to_words(seconds(125)) == "2 min 5 s");
  CHECK(to_words(minutes(45)) == "45 min");
  CHECK(to_words(minutes(231)) == "3 h 51 min");
  CHECK(to_words(hours(52)) == "2 d 4 h");
  CHECK(to_words(hours(48)) == "2 d");
}

TEST_CASE("a deadline passes, a hand-moved clock moves") {
  CHECK(Deadline::in(milliseconds(0)).passed());
  CHECK_FALSE(Deadline::in(hours(1)).passed());
  CHECK(Deadline::in(hours(1)).left_ms() > 3'590'000);
  CHECK(Deadline::never().left_ms() == INT64_MAX);
  ManualClock clock(Time{1000});
  clock.advance(seconds(2));
  CHECK(clock.now() == Time{3000});
  CHECK(system_clock().now().ms > 1'700'000'000'000);
}

}  // namespace
}  // namespace muster
