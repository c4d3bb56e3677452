#include "base/quantity.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/wide.h"

namespace muster {
namespace {

constexpr Wide wide_max = static_cast<Wide>(INT64_MAX);

Error no_quantity(std::string_view text) {
  return invalid("\"" + std::string(text) + "\" is no quantity; expected for example 500m, 4, 16Gi or 1G");
}

// text * scale, rounded up. scale is 1 or 1000.
Result<std::int64_t> parse_scaled(std::string_view text, std::int64_t scale) {
  const std::string_view whole = text;
  bool minus = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    minus = text[0] == '-';
    text.remove_prefix(1);
  }
  Wide mantissa = 0, divisor = 1;
  bool digit = false, point = false;
  std::size_t n = 0;
  for (; n < text.size() && ((text[n] >= '0' && text[n] <= '9') || text[n] == '.'); ++n) {
    if (text[n] == '.') {
      if (point) return no_quantity(whole);
      point = true;
      continue;
    }
    digit = true;
    if (point && divisor > 1'000'000'000'000) continue;
    if (mantissa > wide_max * 1000) return invalid("quantity \"" + std::string(whole) + "\" is too large");
    mantissa = mantissa * 10 + (text[n] - '0');
    if (point) divisor *= 10;
  }
  if (!digit) return no_quantity(whole);
  const std::string_view suffix = text.substr(n);
  Wide multiply = 1;
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 13> suffixes = {
      {{"", 1},
       {"k", 1000},
       {"M", 1'000'000},
       {"G", 1'000'000'000},
       {"T", 1'000'000'000'000},
       {"P", 1'000'000'000'000'000},
       {"E", 1'000'000'000'000'000'000},
       {"Ki", 1LL << 10},
       {"Mi", 1LL << 20},
       {"Gi", 1LL << 30},
       {"Ti", 1LL << 40},
       {"Pi", 1LL << 50},
       {"Ei", 1LL << 60}}};
  bool found = false;
  for (const auto& [name, factor] : suffixes) {
    if (suffix == name) {
      multiply = factor;
      found = true;
    }
  }
  if (!found && suffix == "m") divisor *= 1000, found = true;
  if (!found && suffix == "u") divisor *= 1'000'000, found = true;
  if (!found && suffix == "n") divisor *= 1'000'000'000, found = true;
  if (!found && suffix.size() >= 2 && suffix.size() <= 4 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    std::string_view power = suffix.substr(1);
    const bool negative = power[0] == '-';
    if (power[0] == '-' || power[0] == '+') power.remove_prefix(1);
    int exponent = 0;
    found = !power.empty();
    for (const char c : power) {
      if (c < '0' || c > '9') found = false;
      exponent = exponent * 10 + (c - '0');
    }
    if (found && exponent > 18) return invalid("quantity \"" + std::string(whole) + "\" is out of range");
    for (int i = 0; found && i < exponent; ++i) (negative ? divisor : multiply) *= 10;
  }
  if (!found) return no_quantity(whole);
  // mantissa <= 2^63 * 10^4 and multiply <= 2^60 may pass 2^127 together: refuse before multiplying.
  if (mantissa != 0 && multiply > (static_cast<Wide>(1) << 126) / mantissa / scale)
    return invalid("quantity \"" + std::string(whole) + "\" is too large");
  const Wide product = mantissa * multiply * scale;
  const Wide value = (product + divisor - 1) / divisor;
  if (value > wide_max) return invalid("quantity \"" + std::string(whole) + "\" is too large");
  return static_cast<std::int64_t>(minus ? -value : value);
}

}  // namespace

Result<std::int64_t> parse_milli(std::string_view text) { return parse_scaled(text, 1000); }
Result<std::int64_t> parse_units(std::string_view text) { return parse_scaled(text, 1); }

std::string milli_to_text(std::int64_t milli) {
  return milli % 1000 == 0 ? std::to_string(milli / 1000) : std::to_string(milli) + "m";
}

std::string bytes_to_text(std::int64_t bytes) {
  static constexpr std::array<const char*, 6> units = {"Pi", "Ti", "Gi", "Mi", "Ki", ""};
  for (int shift = 50, i = 0; shift >= 10; shift -= 10, ++i) {
    const std::int64_t unit = 1LL << shift;
    if (bytes != 0 && bytes % unit == 0) return std::to_string(bytes / unit) + units[static_cast<std::size_t>(i)];
  }
  return std::to_string(bytes);
}

std::string bytes_to_words(std::int64_t bytes) {
  static constexpr std::array<const char*, 6> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof text,
                value < 10 && value != static_cast<double>(static_cast<std::int64_t>(value)) ? "%.1f %s" : "%.0f %s",
                value, units[unit]);
  return text;
}

}  // namespace muster
