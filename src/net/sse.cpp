#include "net/sse.h"

#include "base/text.h"

namespace muster::net {

std::string format_sse(const SseEvent& event) {
  std::string out;
  if (!event.id.empty()) out += "id: " + event.id + "\n";
  if (!event.event.empty()) out += "event: " + event.event + "\n";
  for (const std::string_view line : split(event.data, '\n')) out += "data: " + std::string(line) + "\n";
  return out + "\n";
}

std::optional<SseEvent> SseReader::next() {
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) {
      if (!any_) continue;
      any_ = false;
      SseEvent done = std::move(current_);
      current_ = {};
      return done;
    }
    if (line[0] == ':') continue;
    const std::size_t colon = line.find(':');
    const std::string name = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (name == "data") {
      if (any_ && !current_.data.empty()) current_.data += '\n';
      current_.data += value;
      any_ = true;
    } else if (name == "event") {
      current_.event = value;
      any_ = true;
    } else if (name == "id") {
      current_.id = value;
      any_ = true;
    }
  }
}

}  // namespace muster::net
