#pragma once
// Log: JSON lines on stderr (or a file): time, level, event, then keys. One line per decision, with its reason. No
// secrets: callers never pass tokens, passwords or environment values.

#include <boost/json.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace muster::log {

enum class Level { Debug, Info, Warn, Error, Off };

using Keys = std::initializer_list<std::pair<std::string_view, boost::json::value>>;

// Call once at the start of a main. `path` empty: stderr; else a file that rotates at 16 MiB, three kept, mode 0600.
void start(Level level, const std::string& path = "");
void debug(std::string_view event, Keys keys = {});
void info(std::string_view event, Keys keys = {});
void warn(std::string_view event, Keys keys = {});
void error(std::string_view event, Keys keys = {});

}  // namespace muster::log
