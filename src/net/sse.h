#pragma once
// Server-sent events: writing one event, and reading a stream of them.

#include <optional>
#include <string>
#include <string_view>

namespace muster::net {

struct SseEvent {
  std::string id, event, data;
};

std::string format_sse(const SseEvent& event);

// Feed bytes as they come; take events out.
class SseReader {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  std::optional<SseEvent> next();

 private:
  std::string buffer_;
  SseEvent current_;
  bool any_ = false;
};

}  // namespace muster::net
