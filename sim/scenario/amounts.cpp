#include "sim/scenario/amounts.h"

#include <cmath>

#include "base/quantity.h"
#include "base/text.h"

namespace muster::sim {
namespace {

constexpr double most = 9e15;

Error no_amount(std::string_view expected, const json::Value& got, const std::string& pointer) {
  return at_pointer("expected " + std::string(expected) + ", got " + json::write(got), pointer);
}

bool is_amount(double number) { return std::isfinite(number) && number >= 0 && number <= most; }

// A number times `scale`, or a quantity read by `parse`.
Result<std::int64_t> read_amount(const json::Value& value, double scale,
                                 Result<std::int64_t> (*parse)(std::string_view), std::string_view expected,
                                 const std::string& pointer) {
  if (value.is_number()) {
    const double number = value.to_number<double>();
    if (!is_amount(number) || !is_amount(number * scale)) return no_amount(expected, value, pointer);
    return static_cast<std::int64_t>(std::ceil(number * scale - 1e-6));
  }
  if (!value.is_string()) return no_amount(expected, value, pointer);
  Result<std::int64_t> parsed = parse(std::string_view(value.get_string()));
  if (!parsed.has_value()) return at_pointer(parsed.error().text, pointer);
  if (*parsed < 0) return no_amount(expected, value, pointer);
  return parsed;
}

}  // namespace

Error at_pointer(std::string text, const std::string& pointer) {
  return invalid((pointer.empty() ? "document" : pointer) + ": " + std::move(text), pointer);
}

Error unknown_word(std::string_view what, std::string_view got, std::span<const std::string> known,
                   const std::string& pointer) {
  return at_pointer("unknown " + std::string(what) + " \"" + std::string(got) + "\"" + did_you_mean(got, known) +
                        "; known are " + join(known, ", "),
                    pointer);
}

Result<std::int64_t> read_cores(const json::Value& value, const std::string& pointer) {
  return read_amount(value, 1000, parse_milli, "cores or a quantity such as \"500m\"", pointer);
}

Result<std::int64_t> read_bytes(const json::Value& value, const std::string& pointer) {
  return read_amount(value, 1, parse_units, "bytes or a quantity such as \"16Gi\"", pointer);
}

Result<std::int64_t> read_count(const json::Value& value, const std::string& pointer) {
  return read_amount(value, 1, parse_units, "a number or a quantity", pointer);
}

Result<std::int64_t> read_devices(const json::Value& value, const std::string& pointer) {
  return read_amount(value, 1000, parse_milli, "a number of devices", pointer);
}

Result<std::int64_t> read_mib(const json::Value& value, const std::string& pointer) {
  constexpr std::string_view expected = "MiB or a quantity such as \"4Gi\"";
  if (value.is_number()) return read_amount(value, 1, parse_units, expected, pointer);
  const std::int64_t bytes = TRY(read_amount(value, 1, parse_units, expected, pointer));
  return (bytes + (1LL << 20) - 1) >> 20;
}

std::int64_t milli_of(double number) { return std::llround(number * 1000); }

Result<Duration> read_length(std::string_view text, const std::string& pointer) {
  Result<Duration> parsed = parse_duration(text);
  if (!parsed.has_value()) return at_pointer(parsed.error().text, pointer);
  return parsed;
}

Result<Time> read_moment(std::string_view text, Time now, const std::string& pointer) {
  return now + TRY(read_length(text, pointer));
}

}  // namespace muster::sim
