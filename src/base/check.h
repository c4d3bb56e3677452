#pragma once
// CHECK(cond, "why this cannot be"): for what only a bug can break. Prints the text, the place and a backtrace, and
// aborts. Never reachable from input.

namespace muster::detail {
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);
}

#define CHECK(condition, why)                                              \
  do {                                                                     \
    if (!(condition)) [[unlikely]]                                         \
      ::muster::detail::check_failed(#condition, why, __FILE__, __LINE__); \
  } while (false)
