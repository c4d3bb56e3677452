#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "base/clock.h"

namespace muster::log {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("muster", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return instance;
}

void write(spdlog::level::level_enum level, const char* name, std::string_view event, Keys keys) {
  if (!logger()->should_log(level)) return;
  boost::json::object line;
  line["time"] = to_rfc3339(system_clock().now());
  line["level"] = name;
  line["event"] = event;
  for (const auto& [key, value] : keys) line[key] = value;
  logger()->log(level, boost::json::serialize(line));
}

}  // namespace

void start(Level level, const std::string& path) {
  std::shared_ptr<spdlog::logger> made;
  if (path.empty()) {
    made = std::make_shared<spdlog::logger>("muster", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  } else {
    const mode_t before = umask(077);
    try {
      made = std::make_shared<spdlog::logger>(
          "muster", std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, 16U << 20, 3));
    } catch (const spdlog::spdlog_ex&) {
      // The folder may be full or read-only: the caller has said so already; logging goes on on stderr.
      made = std::make_shared<spdlog::logger>("muster", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
    umask(before);
  }
  made->set_pattern("%v");
  made->set_level(static_cast<spdlog::level::level_enum>(level == Level::Debug   ? spdlog::level::debug
                                                         : level == Level::Info  ? spdlog::level::info
                                                         : level == Level::Warn  ? spdlog::level::warn
                                                         : level == Level::Error ? spdlog::level::err
                                                                                 : spdlog::level::off));
  made->flush_on(spdlog::level::info);
  logger() = std::move(made);
}

void debug(std::string_view event, Keys keys) { write(spdlog::level::debug, "debug", event, keys); }
void info(std::string_view event, Keys keys) { write(spdlog::level::info, "info", event, keys); }
void warn(std::string_view event, Keys keys) { write(spdlog::level::warn, "warn", event, keys); }
void error(std::string_view event, Keys keys) { write(spdlog::level::err, "error", event, keys); }

}  // namespace muster::log
