// Quantities, durations, times, command words: readers of short texts.
#include "base/check.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace muster;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const Result<std::int64_t> milli = parse_milli(text); milli.has_value())
    CHECK(parse_milli(milli_to_text(*milli)) == *milli, "a written quantity reads back");
  if (const Result<std::int64_t> units = parse_units(text); units.has_value() && *units >= 0)
    CHECK(parse_units(bytes_to_text(*units)) == *units, "a written size reads back");
  if (const Result<Duration> duration = parse_duration(text); duration.has_value()) {
    const Result<Duration> back = parse_duration(to_text(*duration));
    CHECK(back.has_value(), "a written duration is one");
    // Reading goes through doubles: months of milliseconds stay exact.
    if (duration->ms < 1'000'000'000'000 && duration->ms > -1'000'000'000'000)
      CHECK(*back == *duration, "a written duration reads back");
  }
  if (const Result<Time> time = parse_rfc3339(text); time.has_value())
    CHECK(parse_rfc3339(to_rfc3339(*time)).has_value() || time->ms < 0, "a written time is one");
  if (const std::optional<std::vector<std::string>> words = split_words(text))
    CHECK(split_words(quote_words(*words)) == *words, "quoted words come back");
  return 0;
}
