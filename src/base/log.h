#pragma once
// Log: JSON lines on stderr (or a file): time, level, event, then keys. One line per decision, with its reason. No
// secrets: callers never pass tokens, passwords or environment values.

#include <boost/json.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace muster::log {

enum class Level { Debug, Info, Warn, Error, Off };

struct Key {
  Key(std::string_view key, std::string_view text) : name(key), value(boost::json::string(text)) {}
  Key(std::string_view key, const std::string& text) : Key(key, std::string_view(text)) {}
  Key(std::string_view key, const char* text) : Key(key, std::string_view(text)) {}
  template <class Number>
    requires std::is_arithmetic_v<Number>
  Key(std::string_view key, Number number) : name(key), value(number) {}
  Key(std::string_view key, boost::json::value any) : name(key), value(std::move(any)) {}

  std::string_view name;
  boost::json::value value;
};
using Keys = std::initializer_list<Key>;

// Call once at the start of a main. `path` empty: stderr; else a file that rotates at 16 MiB, three kept, mode 0600.
void start(Level level, const std::string& path = "");
void debug(std::string_view event, Keys keys = {});
void info(std::string_view event, Keys keys = {});
void warn(std::string_view event, Keys keys = {});
void error(std::string_view event, Keys keys = {});

}  // namespace muster::log
