#include "base/time.h"

#include <cstdio>
#include <ctime>

namespace muster {
namespace {

std::string format_utc(Time time, bool with_millis) {
  std::int64_t secs = time.ms / 1000;
  std::int64_t millis = time.ms % 1000;
  if (millis < 0) {
    millis += 1000;
    secs -= 1;
  }
  const std::time_t t = static_cast<std::time_t>(secs);
  std::tm parts{};
  gmtime_r(&t, &parts);
  char buffer[64];
  const std::size_t n = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string text(buffer, n);
  if (with_millis) {
    std::snprintf(buffer, sizeof buffer, ".%03d", static_cast<int>(millis));
    text += buffer;
  }
  return text + "Z";
}

bool read_digits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool read_char(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_rfc3339(Time time) { return format_utc(time, true); }
std::string to_rfc3339_seconds(Time time) { return format_utc(time, false); }

Result<Time> parse_rfc3339(std::string_view text) {
  const std::string_view whole = text;
  const auto bad = [&] {
    return invalid("\"" + std::string(whole) + "\" is no time; expected RFC 3339, for example 2026-11-24T08:15:30Z");
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!read_digits(text, 4, year) || !read_char(text, '-') || !read_digits(text, 2, month) || !read_char(text, '-') ||
      !read_digits(text, 2, day)) {
    return bad();
  }
  if (text.empty() || (text[0] != 'T' && text[0] != 't' && text[0] != ' ')) return bad();
  text.remove_prefix(1);
  if (!read_digits(text, 2, hour) || !read_char(text, ':') || !read_digits(text, 2, minute) || !read_char(text, ':') ||
      !read_digits(text, 2, second)) {
    return bad();
  }
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return bad();
  std::int64_t millis = 0;
  if (read_char(text, '.')) {
    std::int64_t scale = 100;
    std::size_t digits = 0;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      millis += (text[0] - '0') * scale;
      scale /= 10;
      text.remove_prefix(1);
      ++digits;
    }
    if (digits == 0) return bad();
  }
  std::int64_t offset_minutes = 0;
  if (text == "Z" || text == "z") {
    text = {};
  } else {
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return bad();
    const bool minus = text[0] == '-';
    text.remove_prefix(1);
    int oh = 0, om = 0;
    if (!read_digits(text, 2, oh) || !read_char(text, ':') || !read_digits(text, 2, om) || oh > 23 || om > 59)
      return bad();
    offset_minutes = (minus ? -1 : 1) * (oh * 60 + om);
  }
  if (!text.empty()) return bad();
  std::tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  const std::time_t secs = timegm(&parts);
  return Time{static_cast<std::int64_t>(secs) * 1000 + millis - offset_minutes * 60'000};
}

Result<Duration> parse_duration(std::string_view text) {
  const std::string whole(text);
  const auto bad = [&] { return invalid("\"" + whole + "\" is no duration; expected for example 90s, 1h30m or 2d"); };
  if (text == "0") return Duration{0};
  const bool minus = !text.empty() && text[0] == '-';
  if (minus || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return bad();
  double total_ms = 0;
  while (!text.empty()) {
    std::size_t n = 0;
    double number = 0, scale = 1;
    bool point = false, digit = false;
    while (n < text.size() && ((text[n] >= '0' && text[n] <= '9') || text[n] == '.')) {
      if (text[n] == '.') {
        if (point) return bad();
        point = true;
      } else {
        digit = true;
        number = number * 10 + (text[n] - '0');
        if (point) scale *= 10;
      }
      ++n;
    }
    if (!digit) return bad();
    text.remove_prefix(n);
    double unit = 0;
    std::size_t width = 1;
    if (text.starts_with("ms")) {
      unit = 1, width = 2;
    } else if (text.starts_with("us")) {
      unit = 1e-3, width = 2;
    } else if (text.starts_with("ns")) {
      unit = 1e-6, width = 2;
    } else if (text.starts_with("s")) {
      unit = 1e3;
    } else if (text.starts_with("m")) {
      unit = 60e3;
    } else if (text.starts_with("h")) {
      unit = 3600e3;
    } else if (text.starts_with("d")) {
      unit = 86400e3;
    } else if (text.starts_with("w")) {
      unit = 7 * 86400e3;
    } else {
      return bad();
    }
    text.remove_prefix(width);
    total_ms += number / scale * unit;
    if (total_ms > 9e15) return bad();
  }
  const std::int64_t ms = static_cast<std::int64_t>(total_ms + 0.5);
  return Duration{minus ? -ms : ms};
}

std::string to_text(Duration duration) {
  if (duration.ms == 0) return "0s";
  std::string text = duration.ms < 0 ? "-" : "";
  std::int64_t ms = duration.ms < 0 ? -duration.ms : duration.ms;
  if (ms < 1000) return text + std::to_string(ms) + "ms";
  const std::int64_t h = ms / 3'600'000, m = ms / 60'000 % 60, s = ms / 1000 % 60, rest = ms % 1000;
  if (h > 0) text += std::to_string(h) + "h";
  if (h > 0 || m > 0) text += std::to_string(m) + "m";
  text += std::to_string(s);
  if (rest != 0) {
    std::string fraction = std::to_string(1000 + rest).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    text += "." + fraction;
  }
  return text + "s";
}

std::string to_words(Duration duration) {
  const std::int64_t s = duration.ms / 1000;
  if (s < 60) return std::to_string(s < 0 ? 0 : s) + " s";
  const auto pair = [](std::int64_t a, const char* ua, std::int64_t b, const char* ub) {
    return std::to_string(a) + " " + ua + (b != 0 ? " " + std::to_string(b) + " " + ub : "");
  };
  if (s < 3600) return pair(s / 60, "min", s < 600 ? s % 60 : 0, "s");
  if (s < 86400) return pair(s / 3600, "h", s / 60 % 60, "min");
  return pair(s / 86400, "d", s / 3600 % 24, "h");
}

}  // namespace muster
